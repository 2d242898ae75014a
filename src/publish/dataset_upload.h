// What of a dataset's folder is published: docs/hub.md, "What is published".
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "upload/upload.h"

namespace qk {

struct DatasetUpload {
  std::filesystem::path folder;
  std::vector<UploadFile> files;      // the heads' Parquet files, documents.parquet, README.md,
                                      // _saver_state.json; by path
  std::vector<std::string> left_out;  // other entries of the folder, hidden ones not counted
  std::vector<std::string> warnings;  // whole sentences
  int64_t num_heads = 0;
  int64_t bytes = 0;
  std::string model;  // of the card, else of the footers; or empty
};

// What a card says of its dataset's place on the Hub (output.hf_repo_id and hf_branch of the run); or
// empty.
struct CardTarget {
  std::string repo, branch;
};
// A first look, which reads no data. Throws Error: the folder holds no dataset, an unfinished one, or
// one without a card.
CardTarget read_card_target(const std::filesystem::path& folder);

// Checks the dataset (dataset/dataset_check.h) and reads its files for their digests. Throws Error: it
// is not whole or not finished, it has no card, or the card's `configs:` does not lead
// load_dataset() to every head; Stopped. A card without YAML, as those of the original, is a warning.
DatasetUpload describe_dataset(const std::filesystem::path& folder, ThreadPool& pool,
                               const std::atomic<bool>* stop);

}  // namespace qk
