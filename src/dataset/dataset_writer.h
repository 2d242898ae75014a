// From the journals to the dataset: one Parquet file per (layer, head, kind), written in parallel,
// each renamed into place when whole; the card last. The same records give the same
// bytes, in however many journals they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/bucket_facts.h"
#include "dataset/canary.h"
#include "journal/journal_set.h"

namespace qk {

inline constexpr int64_t kRowsPerGroup = 65536;

struct DatasetOptions {
  // compat: reference: the original's column types and encodings, ids narrowed to their low 32 bits.
  bool compat_reference = false;
  int64_t rows_per_group = kRowsPerGroup;  // rows of one head that each thread holds in memory
  bool overwrite = false;                  // an older dataset in the folder is replaced
  bool resume = false;                     // files that an interrupted writing left are replaced
  std::vector<RowPair> canaries;           // to be found again in the files
  // [documents] what the corpus calls each document of the journals, which are numbered 0, 1, ...:
  // documents.parquet is written (dataset/document_table.h). None: it is not.
  std::optional<std::vector<std::string>> document_names;
  // Key-value pairs for every file's footer (provenance, geometry), in this order.
  std::vector<std::pair<std::string, std::string>> footer;
};

struct FileSummary {
  std::string config;  // of a head; empty: documents.parquet
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string sha256;
  bool operator==(const FileSummary&) const = default;
};

struct DatasetSummary {
  std::vector<std::string> configs;          // names of the files written, sorted
  std::vector<FileSummary> files;            // likewise
  std::vector<RowPair> canaries;             // as in the options
  std::map<int32_t, int64_t> bucket_counts;  // bucket -> rows, summed over all files
  std::map<int32_t, BucketFacts> buckets;    // of one head
  int64_t rows = 0;                          // summed over all files
  int64_t bytes = 0;                         // of the heads' Parquet files
  std::optional<FileSummary> documents;      // documents.parquet; its rows are documents
};

// Writes every head of the journals below `folder` (created if needed), and the table of documents
// if their names are given. A head without rows gets no file. progress(done, total) counts files and
// is called by one thread at a time, not always the caller's; what it throws ends the writing. Several
// processes do the same with dataset/dataset_writing.h.
//
// In this order: all files are written and synced under temporary names, and read again: their rows
// must be those of the journals, their vectors finite, the canaries' products as captured (the table
// of documents as written); with `overwrite`, the parts of an older dataset that the new one does not
// replace are removed (its card first); the files are renamed into place. The card and the removal of
// the journals are the caller's, in that order, so that a dataset with a card and without a journal is
// a finished one.
//
// Throws Error (disk full, a folder that is a symbolic link, a dataset that is there already and
// neither `overwrite` nor `resume` is set, documents that are lost, ...); temporary files are
// removed.
DatasetSummary write_dataset(const JournalSet& journal, const std::filesystem::path& folder,
                             const DatasetOptions& options, ThreadPool& pool,
                             const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace qk
