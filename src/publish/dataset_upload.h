// What of a dataset's folder is published: docs/hub.md, "What is published".
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "hub/upload.h"

namespace qk {

struct DatasetUpload {
  std::filesystem::path folder;
  std::vector<UploadFile> files;      // the heads' Parquet files, documents.parquet, README.md,
                                      // _saver_state.json; by path
  std::vector<std::string> left_out;  // other entries of the folder, hidden ones not counted
  std::vector<std::string> warnings;  // whole sentences
  int64_t num_heads = 0;
  int64_t bytes = 0;
  std::string model;         // of the card, else of the footers; or empty
  std::string repo, branch;  // that the card recorded; or empty
};

// Checks the dataset (dataset/dataset_check.h) and reads its files for their digests. Throws Error: it
// is not whole or not finished, it has no card, or the card's `configs:` does not lead
// load_dataset() to every head; Stopped. A card without YAML, as those of the original, is a warning.
DatasetUpload describe_dataset(const std::filesystem::path& folder, ThreadPool& pool,
                               const std::atomic<bool>* stop);

}  // namespace qk
