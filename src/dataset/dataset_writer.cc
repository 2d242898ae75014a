#include "dataset/dataset_writer.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "dataset/document_table.h"
#include "dataset/head_file_writer.h"
#include "dataset/head_inspection.h"
#include "dataset/head_records.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

fs::path final_path(const fs::path& folder, const HeadRecords& head) {
  return folder / head.config() / "data.parquet";
}

fs::path temporary_path(const fs::path& folder, const HeadRecords& head) {
  return folder / head.config() / "data.parquet.tmp";
}

std::string temporary_name(std::string_view name) { return std::string(name) + ".tmp"; }

// The temporary files of all heads and of the table of documents, and the folders made for them; what was not published goes with
// it.
class Staging {
 public:
  Staging(const fs::path& folder, const std::vector<HeadRecords>& heads)
      : folder_(folder), heads_(heads) {
    for (const HeadRecords& head : heads_) make_folder(folder_ / head.config());
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (size_t i = num_published_; i < heads_.size(); ++i) {
      ::unlink(temporary_path(folder_, heads_[i]).c_str());
    }
    if (!is_table_published_) ::unlink(table_path().c_str());
    for (const fs::path& made : made_) ::rmdir(made.c_str());  // stays if it is not empty
  }

  // The temporary path of the table of documents.
  fs::path table_path() const { return folder_ / temporary_name(kDocumentTable); }

  void publish(bool has_table) {
    if (has_table) publish_file(table_path(), folder_ / kDocumentTable);
    is_table_published_ = has_table;
    for (; num_published_ < heads_.size(); ++num_published_) {
      const HeadRecords& head = heads_[num_published_];
      publish_file(temporary_path(folder_, head), final_path(folder_, head));
    }
  }

 private:
  void make_folder(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::is_symlink(status)) {
      fail("{}: is a symbolic link, a head's folder must be a folder", path.string());
    }
    if (fs::is_directory(status)) return;
    if (!fs::create_directory(path, error)) {
      fail("{}: cannot be created: {}", path.string(),
           error ? error.message() : "there is a file of this name");
    }
    made_.push_back(path);
  }

  fs::path folder_;
  const std::vector<HeadRecords>& heads_;
  std::vector<fs::path> made_;
  size_t num_published_ = 0;
  bool is_table_published_ = false;
};

void check_not_there(const fs::path& folder, const std::vector<HeadRecords>& heads) {
  for (const HeadRecords& head : heads) {
    const fs::path path = final_path(folder, head);
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
      fail("{}: exists already; --overwrite replaces the dataset", path.string());
    }
  }
}

// Writes the temporary file of a head and reads it again: it must hold what the journals say.
FileSummary write_checked(const JournalSet& journal, const HeadRecords& head, const fs::path& path,
                          const DatasetOptions& options, RowWatch& watch,
                          HeadFileSummary& written) {
  written = write_head_file(journal, head, path, options);
  HeadInfo read;
  try {
    inspect_head_file(path, read, watch);
  } catch (const Error& error) {
    fail("{}: was not stored as it was written: {}", path.string(), error.what());
  }
  if (read.rows != written.rows || read.rows_digest != written.rows_digest) {
    fail("{}: was not stored as it was written: {} rows, expected {} as in the journal",
         path.string(), read.rows == written.rows ? "other" : fmt::format("{}", read.rows),
         written.rows);
  }
  return {head.config(), written.rows, written.bytes, sha256_file(path)};
}

// Writes the temporary file of the table of documents and reads it again.
FileSummary write_checked(const DocumentTable& table, const fs::path& path,
                          const DatasetOptions& options) {
  write_document_table(path, table, options.footer);
  if (read_document_file(path) != table) {
    fail("{}: was not stored as it was written", path.string());
  }
  return {"", std::ssize(table), static_cast<int64_t>(fs::file_size(path)), sha256_file(path)};
}

void add(DatasetSummary& summary, const HeadFileSummary& file) {
  summary.rows += file.rows;
  summary.bytes += file.bytes;
  for (const auto& [bucket, count] : file.bucket_counts) summary.bucket_counts[bucket] += count;
}

void check_canaries(const JournalSet& journal, const std::vector<RowPair>& canaries,
                    const std::map<std::string, RowWatch>& rows) {
  for (const RowPair& pair : canaries) {
    const std::string fault = canary_fault(pair, rows);
    if (!fault.empty()) fail("{}: {}", journal.name(), fault);
  }
}

}  // namespace

DatasetSummary write_dataset(const JournalSet& journal, const fs::path& folder,
                             const DatasetOptions& options, ThreadPool& pool,
                             const std::function<void(int64_t, int64_t)>& progress) {
  journal.check_lost();
  const std::vector<HeadRecords> heads = heads_of(journal);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be created: {}", folder.string(), error.message());
  if (!options.overwrite && !options.resume) check_not_there(folder, heads);

  DatasetSummary summary;
  summary.canaries = options.canaries;
  summary.buckets = bucket_facts(journal);
  std::map<std::string, RowWatch> watches = watch_rows(options.canaries);
  for (const HeadRecords& head : heads) watches.try_emplace(head.config());

  Staging staging(folder, heads);
  const auto total = static_cast<int64_t>(heads.size());
  int64_t done = 0;
  std::mutex mutex;
  pool.parallel_for(total, [&](int64_t index, int) {
    const HeadRecords& head = heads[static_cast<size_t>(index)];
    HeadFileSummary written;
    const FileSummary file = write_checked(journal, head, temporary_path(folder, head), options,
                                           watches.at(head.config()), written);
    const std::lock_guard lock(mutex);
    add(summary, written);
    summary.files.push_back(file);
    ++done;
    if (progress) progress(done, total);
  });
  check_canaries(journal, options.canaries, watches);
  if (options.document_names) {
    const DocumentTable table = document_table(journal, *options.document_names);
    summary.documents = write_checked(table, staging.table_path(), options);
  }
  std::ranges::sort(summary.files, {}, &FileSummary::config);
  for (const FileSummary& file : summary.files) summary.configs.push_back(file.config);
  if (options.overwrite) {
    std::set<std::string> keep(summary.configs.begin(), summary.configs.end());
    if (summary.documents) keep.emplace(kDocumentTable);
    remove_dataset(folder, keep);
  }
  staging.publish(summary.documents.has_value());
  return summary;
}

}  // namespace qk
