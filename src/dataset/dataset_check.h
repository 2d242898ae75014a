// Proves a finished dataset: everything that read_dataset checks, and that it is what its card
// says.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "base/thread_pool.h"
#include "dataset/dataset_reader.h"

namespace qk {

struct DatasetCheck {
  DatasetInfo info;           // with all problems
  int64_t num_digests = 0;    // files whose SHA-256 was compared
  int64_t num_canaries = 0;   // products that were computed again
  bool counts_known = false;  // the card, or the original's state file, has counts to compare with
};

// Of a dataset of ours: the card is there, every file has the rows, bytes and SHA-256 of the card's
// tables, and no other files are there; documents.parquet has the rows that the heads have; the canaries' products are those of the card. Of any
// dataset: the numbers of files and rows, and rows of each bucket, are those of the card or the
// state file. Throws Error if the folder cannot be read or holds no dataset.
//   stop  if it becomes true, Stopped is thrown before the next head
DatasetCheck check_dataset(const std::filesystem::path& folder, ThreadPool& pool,
                           const std::atomic<bool>* stop = nullptr);

}  // namespace qk
