// The crash-safe log of a running capture: append-only, checksummed, one record per (document,
// layer, kind). A kill at any byte loses at most the document in flight. Format:
// docs/dataset-format.md, section "Journal".
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "dataset/schema.h"

namespace qk {

// Counts of one finished document, kept with its end mark.
struct DocumentEnd {
  int64_t document = 0;
  int64_t example_id = 0;
  int64_t num_tokens = 0;
  int64_t num_records = 0;  // blocks appended for it
};

class JournalWriter {
 public:
  // Creates the file; `header` is any text that identifies the run (JSON). Throws Error if the file
  // exists or cannot be made.
  static JournalWriter create(const std::filesystem::path& path, std::string_view header);
  // Goes on after the last whole document of an existing journal: the torn tail is cut off.
  static JournalWriter resume(const std::filesystem::path& path);
  JournalWriter(JournalWriter&&) noexcept;
  JournalWriter& operator=(JournalWriter&&) noexcept;
  ~JournalWriter();

  // Throws Error (disk full, ...); the journal on disk stays valid up to the last whole document.
  void append(const CaptureBlock& block);
  // Marks the document as whole and syncs.
  void end_document(const DocumentEnd& end);
  int64_t bytes() const;

 private:
  struct State;
  explicit JournalWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A mapped journal, every record's checksum verified on open.
class JournalReader {
 public:
  // Where one record is and what it holds; vectors stay on disk.
  struct Entry {
    int64_t document = 0;
    int64_t example_id = 0;
    int32_t layer = 0;
    Kind kind = Kind::kQuery;
    int32_t head_dim = 0;
    int64_t rows = 0;
    std::vector<int32_t> heads;
    size_t offset = 0;  // of the record in the file
    size_t bytes = 0;
  };

  // Throws Error if the file is no journal or a record inside (not the torn tail) is damaged,
  // naming the document that it hits.
  explicit JournalReader(const std::filesystem::path& path);

  const std::string& header() const { return header_; }
  const std::vector<DocumentEnd>& documents() const { return documents_; }  // whole ones, in order
  const std::vector<Entry>& entries() const { return entries_; }  // of whole documents only
  size_t valid_bytes() const { return valid_bytes_; }             // end of the last whole document
  bool torn() const { return valid_bytes_ != file_.bytes().size(); }

  // Columns of one record. Vectors of the head at index `head_idx` of entry.heads:
  // [rows, head_dim], pointing into the mapping; pre_rope is empty if it was not captured.
  struct Columns {
    std::optional<int32_t> sliding_window;
    std::span<const int32_t> buckets, positions;
    std::vector<std::string_view> tokens;
  };
  Columns columns(const Entry& entry) const;
  std::span<const float> vectors(const Entry& entry, size_t head_idx) const;
  std::span<const float> vectors_pre_rope(const Entry& entry, size_t head_idx) const;

 private:
  MappedFile file_;
  std::string header_;
  std::vector<DocumentEnd> documents_;
  std::vector<Entry> entries_;
  size_t valid_bytes_ = 0;
};

}  // namespace qk
