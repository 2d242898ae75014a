// The crash-safe log of a running capture: append-only, checksummed, one record per (document,
// layer, kind). A kill at any byte loses at most the document in flight. Format:
// docs/dataset-format.md, section "Journal".
//
// Threads: a writer belongs to one thread; a reader may be read from many.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
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
  // Throws Error if JournalReader would, or if another process is writing the journal.
  static JournalWriter resume(const std::filesystem::path& path);
  JournalWriter(JournalWriter&&) noexcept;
  JournalWriter& operator=(JournalWriter&&) noexcept;
  ~JournalWriter();

  // Throws Error (disk full, ...); then the journal is cut back to the last whole document, and the
  // document in hand may be begun again.
  // REQUIRES: documents ascend, a document's blocks follow each other, and the sizes of the block's
  // columns agree (rows = buckets = positions; tokens, if any; vectors = heads * rows * head_dim).
  void append(const CaptureBlock& block);
  // Marks the document as whole and syncs: what was appended before is safe when this returns.
  // Throws Error as append does. REQUIRES: end.num_records is the number of blocks appended for it.
  void end_document(const DocumentEnd& end);
  // Of the file, the document in hand included.
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
    std::optional<int32_t> sliding_window;
    bool has_tokens = false;
    bool has_pre_rope = false;
    size_t offset = 0;  // of the record in the file
    size_t bytes = 0;   // of the record
  };

  // Throws Error if the file is no journal, is cut off in its header, or a record before the end
  // mark of a later or the same document is damaged, naming the document that it hits. A tail
  // without a whole document is no error: torn().
  explicit JournalReader(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
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

  // Tells the kernel that the pages of the file's range [begin, end) are not needed for now.
  void drop(size_t begin, size_t end) const;

 private:
  MappedFile file_;
  std::string header_;
  std::vector<DocumentEnd> documents_;
  std::vector<Entry> entries_;
  size_t valid_bytes_ = 0;
};

}  // namespace qk
