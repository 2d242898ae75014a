// Reads a dataset folder, ours, the original's or anyone's, and proves it: every file is opened, every row is
// read. Threads: one task per head on the pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/bucket_documents.h"
#include "dataset/canary.h"
#include "dataset/dataset_folder.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {

// What the Parquet files of one head contain.
struct HeadInfo {
  ConfigName head;
  std::vector<std::filesystem::path> files;  // one, or several in name order
  int64_t rows = 0;
  int64_t row_groups = 0;
  int64_t file_bytes = 0;
  std::map<int64_t, int64_t> bucket_counts;  // bucket -> rows
  BucketDocuments bucket_documents;
  int64_t num_example_ids = 0;  // distinct ones; 0 if there is no such column
  int64_t min_position = 0;     // 0 if there are no rows
  int64_t max_position = 0;
  std::set<std::optional<int64_t>> sliding_windows;  // tokens; empty optional: null
  int64_t vector_dim = 0;                            // numbers in each vector
  bool has_token_str = false;
  bool has_pre_rope = false;
  std::string vector_type;      // Arrow's name: "list<element: float>"
  std::string vector_encoding;  // "zstd, BYTE_STREAM_SPLIT"
  std::string example_id_type;  // "int64"; empty: there is no such column
  std::string created_by;
  bool is_ours = false;  // some file was written by Qkscope
  // Of the vector columns, in bytes: as float32, and in the files.
  int64_t vector_bytes = 0;
  int64_t stored_vector_bytes = 0;
  std::map<std::string, std::string> footer;  // key-value pairs, Arrow's own left out
  uint64_t rows_digest = 0;                   // of bucket, example id and position, in row order
  bool is_read = false;                       // every row of every file
};

struct DatasetInfo {
  std::filesystem::path folder;
  std::vector<HeadInfo>
      heads;  // layer, then queries before keys, then head; damaged ones as far as read
  std::vector<DatasetProblem> problems;    // empty: whole
  std::optional<DocumentTable> documents;  // documents.parquet; none: there is none, or damaged
  bool has_card = false;
  bool has_journal = false;  // a run into this folder was interrupted, or is running
  std::string model;         // from the footers, else the original's state file; or empty
};

// Checked: every file opens and has the columns of the format in their types; bucket, example_id,
// position and vector are never null; every vector has the same length and is finite; token_str has
// no nulls; footers agree with one another and with the heads; all heads of one layer and kind have
// the same rows; all heads of one kind of a layer the same vector length; documents.parquet, if it
// is there, can be read; no temporary file is left
// behind, and nothing that looks like data of a head is left unread. Files of other programs may
// have whatever columns HeadRowReader reads, and heads of them alone may have different rows.
// Throws Error if the folder cannot be read, holds no dataset, or is a table of a lake format.
//   watches  by config; vectors to be collected on the way
//   stop     if it becomes true, Stopped is thrown before the next head
DatasetInfo read_dataset(const std::filesystem::path& folder, ThreadPool& pool,
                         std::map<std::string, RowWatch>* watches = nullptr,
                         const std::atomic<bool>* stop = nullptr);

// The value of `key` in the footer of the first head's file; empty if there is none, or the file
// cannot be read.
std::string first_footer_value(const std::filesystem::path& folder, const std::string& key);

}  // namespace qk
