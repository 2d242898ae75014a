// The writing of a dataset (dataset/dataset_writer.h) in parts that several processes do, each with
// the same journals and options. One of them, the leader, begins, gathers the results of all units
// and finishes; a unit may be done by anyone, and twice.
//
// Threads: several may write different units at once; all else is one thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/canary.h"
#include "dataset/dataset_writer.h"
#include "dataset/head_records.h"
#include "dataset/unit_result.h"
#include "journal/journal_set.h"

namespace qk {

// The files of one layer, queries and keys: heads [begin, end) of heads_of(journal).
struct WritingUnit {
  int32_t layer = 0;
  size_t begin = 0, end = 0;
  size_t num_files() const { return end - begin; }
};

class DatasetWriting {
 public:
  // `journal` must outlive it. token: of the writer, in the names of its temporary files, so that
  // nobody else writes the same ones (dataset/run_owner.h); empty: there are no others.
  DatasetWriting(const JournalSet& journal, std::filesystem::path folder, DatasetOptions options,
                 std::string token = "");
  DatasetWriting(const DatasetWriting&) = delete;
  DatasetWriting& operator=(const DatasetWriting&) = delete;
  // After begin() without a finish() that went well: removes the temporary files of all writers, and
  // the folders that it made.
  ~DatasetWriting();

  const std::vector<WritingUnit>& units() const { return units_; }  // by layer
  int64_t num_files() const { return std::ssize(heads_); }

  // The leader's, before anyone writes a unit: makes the folders, removes temporary files that
  // killed writers left. Throws Error: documents are lost, a dataset is there already, a folder is a
  // symbolic link or cannot be made.
  void begin();

  // Writes, syncs and reads back the unit's files under temporary names. Returns what finish() needs,
  // as text; empty if the leader has removed the files meanwhile, so that another result of the unit
  // counts. A canary's rows must be of one layer. wrote() is called after each file, by one thread at a time; what it throws ends the
  // writing. Throws Error.
  std::string write_unit(size_t unit, ThreadPool& pool, const std::function<void()>& wrote = {});
  // Every unit, in parallel over all files. REQUIRES: it is the only writer.
  std::vector<std::string> write_all(ThreadPool& pool,
                                     const std::function<void(int64_t done, int64_t total)>& wrote);

  // The leader's, after all units: checks the results, writes the table of documents, removes what an
  // older dataset has more, renames the files of those writers whose results these are, and removes
  // those of others. Waits for files that another node wrote just now.
  //   results  [units]
  // Throws Error: a result is damaged or tells of a fault, a file is not there, ...
  DatasetSummary finish(const std::vector<std::string>& results);

  // A writer's that is not the leader, when the run has ended: removes its temporary files that
  // nobody wanted.
  void remove_rest() noexcept;

 private:
  HeadResult write_head(size_t head, const std::string& token);
  std::string encode(const WritingUnit& unit, const std::string& token,
                     std::span<const HeadResult> heads);
  std::vector<UnitResult> gather(const std::vector<std::string>& results) const;
  std::filesystem::path temporary_path(size_t head, const std::string& token) const;
  void make_head_folder(const std::filesystem::path& path);
  void check_canaries(const std::vector<UnitResult>& results) const;
  void publish(const std::vector<UnitResult>& results, bool has_table);

  const JournalSet& journal_;
  std::filesystem::path folder_;
  DatasetOptions options_;
  std::string token_;
  std::vector<HeadRecords> heads_;
  std::vector<WritingUnit> units_;
  std::map<std::string, RowWatch> watches_;  // of every head
  std::vector<std::filesystem::path> made_;  // folders
  std::atomic<int> num_calls_ = 0;           // of write_unit
  bool has_begun_ = false, is_finished_ = false;
};

}  // namespace qk
