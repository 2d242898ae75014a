// The journals of one run, read as one: the documents of all files in one order. A document that is
// whole in several files must be the same in all of them, and is read from the first. Threads: may
// be read from many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace qk {

// Of one file it keeps what JournalReader keeps. Of several, another 84 bytes a document and 16
// bytes a record.
class JournalSet {
 public:
  using Record = JournalReader::Record;
  using Group = JournalReader::Group;
  using Entry = JournalReader::Entry;
  using Columns = JournalReader::Columns;

  // Throws Error as JournalReader does, or if copies of a document differ (in their counts, canary or
  // the checksums of their blocks), or files disagree about what the records of a layer and kind
  // have. REQUIRES: journals of the same run; at least one.
  explicit JournalSet(const std::vector<std::filesystem::path>& paths);
  explicit JournalSet(std::vector<JournalReader> files);

  std::span<const JournalReader> files() const { return files_; }
  // The paths of all files, for messages.
  std::string name() const;

  const std::vector<DocumentEnd>& documents() const;  // whole ones of all files, ascending
  const std::vector<Group>& groups() const;           // of all files; by layer, queries first
  // The index of the file that it is read from. REQUIRES: it is in documents().
  size_t file_index(int64_t document) const;
  const JournalReader& file_of(int64_t document) const { return files_[file_index(document)]; }
  // How many documents were found whole once more than needed.
  int64_t num_copies() const { return merged_ ? merged_->num_copies : 0; }
  // Throws Error naming the first file in which damage hit a document that no file has whole.
  void check_lost() const;

  // As those of JournalReader; the document says which file is read.
  Entry entry(const Record& record) const { return file_of(record.document).entry(record); }
  Columns columns(const Entry& entry) const { return file_of(entry.document).columns(entry); }
  std::span<const float> vectors(const Entry& entry, size_t head_idx) const {
    return file_of(entry.document).vectors(entry, head_idx);
  }
  std::span<const float> vectors_pre_rope(const Entry& entry, size_t head_idx) const {
    return file_of(entry.document).vectors_pre_rope(entry, head_idx);
  }
  void drop_head(const Entry& entry) const { file_of(entry.document).drop_head(entry); }

 private:
  // What several files have together.
  struct Merged {
    std::vector<DocumentEnd> documents;
    std::vector<uint32_t> files;  // [documents], indexes of files_
    std::vector<Group> groups;
    int64_t num_copies = 0;
  };
  static Merged merge(std::span<const JournalReader> files);

  std::vector<JournalReader> files_;
  std::optional<Merged> merged_;  // none for one file
};

}  // namespace qk
