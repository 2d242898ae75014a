// The rows of one head as its Parquet files have them, ours, the original's or anyone's with
// the same columns: one batch after another, columns that are not needed left out.
// Threads: safe for different heads at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataset/example_ids.h"

namespace qk {

// Which vectors and rows are read, and into which buckets they go.
struct RowOptions {
  std::string vector_column = "vector";
  std::optional<int64_t> bucket_width;  // buckets are position div this; none: those of the files
  std::shared_ptr<const ExampleIds> documents;  // rows of these only; null: all rows
};

// [rows] each; what one call of next() found.
struct HeadRowBatch {
  std::vector<int64_t> buckets;
  std::vector<int64_t> positions;
  std::vector<int64_t> example_ids;             // empty if there is no such column
  bool has_large_ids = false;                   // some are the bits of numbers from 2^63 on
  bool has_negative_ids = false;                // some are numbers below 0
  std::vector<std::optional<int64_t>> windows;  // tokens; empty if there is no such column
  std::span<const float> vectors;               // [rows, head_dim], until the next call
  int64_t head_dim = 0;

  int64_t num_rows() const { return static_cast<int64_t>(buckets.size()); }
  // REQUIRES: the files have ids.
  ExampleId example_id(size_t row) const {
    const int64_t bits = example_ids[row];
    return {bits, has_large_ids && bits < 0};
  }
};

// Columns; "whole numbers" are integers of 8 to 64 bits, whole floats below 2^53 (float32:
// 2^24, float16: 2^11), and whole decimals:
//   bucket, position   whole numbers, never null
//   vector             lists of any kind, never null, of one length, of float32, of float16, of
//                      bfloat16 (the bits as uint16, int16 or binary of 2 bytes), or of float64
//                      whose numbers float32 holds exactly; finite
//   example_id         whole numbers below 2^64, never null; may be absent
//   sliding_window     whole numbers; nulls allowed, and a column of any type that has only nulls;
//                      may be absent
// Every other column, of whatever type, is passed over. `vector` may have another name (RowOptions).
class HeadRowReader {
 public:
  // Opens the files and checks their columns; rows come in the order of the files. Throws Error
  // "<file>: ..." for the first that does not fit, and if documents are wanted and there is no
  // example_id. REQUIRES: at least one file.
  explicit HeadRowReader(std::vector<std::filesystem::path> files, RowOptions options = {});
  HeadRowReader(HeadRowReader&&) noexcept;
  HeadRowReader& operator=(HeadRowReader&&) noexcept;
  ~HeadRowReader();

  // Rows of all files, by their footers; if documents were given, the rows of these.
  int64_t num_rows() const;
  // Length of the vectors of the first file, by its footer; 0 if it does not say.
  int64_t footer_dim() const;
  // Key-value pairs of the first file, without Arrow's own.
  const std::map<std::string, std::string>& footer() const;

  // Reads the next rows; false at the end. Throws Error "<file>: row 17: ..." if a row is not as
  // above, the file is damaged, or it holds fewer or more rows than its footer says.
  bool next(HeadRowBatch& batch);

 private:
  struct Files;
  std::unique_ptr<Files> files_;
};

}  // namespace qk
