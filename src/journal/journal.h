// The crash-safe log of a running capture: append-only, checksummed, one record per (document,
// layer, kind). A kill at any byte loses at most the documents in progress. Format:
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
#include "journal/capture_block.h"

namespace qk {

// What became of a document.
enum class DocumentOutcome : uint8_t {
  kCaptured,   // it went through the model (it may still have given no row)
  kEmpty,      // no token
  kNoText,     // skipped: the text is null, or not a string
  kNotUtf8,    // skipped: the text is not UTF-8
  kTooLarge,   // skipped: the text has more bytes than are allowed
  kNotFinite,  // skipped: a query or a key was not finite
};

// One product of a stored query and a stored key as it was before they went to the journal, to be
// compared with what the files hold in the end.
struct Canary {
  int32_t layer = -1;  // -1: the document has none
  int32_t query_head = 0, key_head = 0;
  int32_t query_row = 0, key_row = 0;  // of the document's rows there, in the order of the file
  double dot = 0;  // sum over head_dim of double(query) * double(key), in order, from 0
  bool operator==(const Canary&) const = default;
};

// Counts of one finished document, kept with its end mark.
struct DocumentEnd {
  int64_t document = 0;
  int64_t example_id = 0;
  int64_t num_tokens = 0;   // as cut to max_length
  int64_t num_records = 0;  // blocks appended for it
  DocumentOutcome outcome = DocumentOutcome::kCaptured;
  bool truncated = false;  // it had more tokens
  Canary canary = {};
  bool operator==(const DocumentEnd&) const = default;
};

class JournalReader;

class JournalWriter {
 public:
  // Creates the file, whole with its header or not at all; `header` is any text that identifies the
  // run (JSON). Throws Error if the file exists or cannot be made.
  static JournalWriter create(const std::filesystem::path& path, std::string_view header);
  // Appends after the last whole document of a journal that was read: the torn tail is cut off.
  // Throws Error if another process is writing the journal, or it cannot be written.
  static JournalWriter resume(const JournalReader& journal);
  JournalWriter(JournalWriter&&) noexcept;
  JournalWriter& operator=(JournalWriter&&) noexcept;
  ~JournalWriter();

  // Blocks of several documents may alternate; these documents are then in progress. Throws Error
  // (disk full, ...); then the journal is cut back to the last whole document, and the documents in
  // progress may be started again.
  // REQUIRES: the document is not whole yet, and the sizes of the block's columns agree (rows =
  // buckets = positions; tokens, if any; vectors = heads * rows * head_dim).
  void append(const CaptureBlock& block);
  // Marks all documents in progress, and others that have no block, as whole and syncs: what was
  // appended before is safe when this returns. Throws Error as append does.
  // REQUIRES: `ends` has all documents in progress, each with the number of its blocks.
  void end_documents(std::span<const DocumentEnd> ends);
  void end_document(const DocumentEnd& end) { end_documents({&end, 1}); }
  // Forgets the documents in progress: cuts back to the last whole one. Throws Error if it cannot.
  void abandon();
  // Of the file, documents in progress included.
  int64_t bytes() const;

 private:
  struct State;
  explicit JournalWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class RecordChecks;

// A mapped journal, every record's checksum verified on open. What it keeps in memory grows by 16
// bytes a record and 80 bytes a document; with an index, by 48 bytes a record.
class JournalReader {
 public:
  // Where a record is.
  struct Record {
    int64_t document = 0;
    size_t offset = 0;  // in the file
  };
  // The records of one layer and kind that have rows, and what they all agree on.
  struct Group {
    int32_t layer = 0;
    Kind kind = Kind::kQuery;
    int32_t head_dim = 0;
    std::optional<int32_t> sliding_window;
    bool has_tokens = false;
    bool has_pre_rope = false;
    std::vector<int32_t> heads;   // that any of them has, ascending
    std::vector<Record> records;  // ascending documents
  };
  // What one record holds; vectors stay on disk.
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

  // Throws Error if the file is not a journal, its header is cut off or damaged, or records whose
  // checksums hold contradict themselves or each other. Damaged records are not an error: damage().
  explicit JournalReader(const std::filesystem::path& path);
  // With what another process found in the file (journal/journal_index.h): nothing is scanned. A
  // record's numbers are checked when its entry() is asked for, its checksum when its vectors are:
  // both then throw Error if it is damaged. Columns alone are not proven by that. Waits until so much
  // of the file is there, for another node may see it late. Throws Error if it does not come, is
  // another file, or the index is damaged.
  JournalReader(const std::filesystem::path& path, std::string_view index,
                double wait_seconds = 90);
  JournalReader(JournalReader&&) noexcept;
  JournalReader& operator=(JournalReader&&) noexcept;
  ~JournalReader();

  // The header text of a journal alone. Throws Error if the file is none, or its header is damaged.
  static std::string header_of(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::string& header() const { return header_; }
  const std::vector<DocumentEnd>& documents() const { return documents_; }  // whole ones, ascending
  bool has(int64_t document) const;                                         // it is whole
  const std::vector<Group>& groups() const { return groups_; }  // by layer, queries first
  size_t valid_bytes() const { return valid_bytes_; }           // end of the last end mark
  bool torn() const { return valid_bytes_ != file_.bytes().size(); }
  // Where damaged bytes begin that whole documents follow.
  const std::vector<size_t>& damage() const { return damage_; }
  // Documents that were whole once, were hit by damage, and have not been written again. Ascending.
  const std::vector<int64_t>& lost() const { return lost_; }

  Entry entry(const Record& record) const;
  // The checksum of the record's payload, as stored. It is correct, but with an index.
  uint64_t checksum(const Entry& entry) const;

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

  // Tells the kernel that the pages of the file's range [begin, end) are not needed for now, nor
  // those that it mapped with them: it maps 64 KiB around a page that is touched.
  void drop(size_t begin, size_t end) const;
  // Likewise for what entry() and the columns of few rows touch: the first pages of a record.
  void drop_head(const Entry& entry) const;

 private:
  MappedFile file_;
  std::string header_;
  std::vector<DocumentEnd> documents_;
  std::vector<Group> groups_;
  size_t valid_bytes_ = 0;
  std::vector<size_t> damage_;
  std::vector<int64_t> lost_;
  std::unique_ptr<RecordChecks> checks_;  // none: all were made on open
};

}  // namespace qk
