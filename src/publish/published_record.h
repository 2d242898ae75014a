// <folder>/.qkscope/published.json: where a dataset was published, for each branch the last time. It is no
// part of the dataset.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "publish/dataset_upload.h"

namespace qk {

struct PublishedRecord {
  std::string repo, branch, commit, url;
  std::string time;  // UTC, "2026-01-31T23:59:59Z"
  int64_t files = 0, bytes = 0;
};

// Replaces the branch's entry. A folder that cannot be written gets none: what was published counts.
void record_published(const DatasetUpload& dataset, const UploadTarget& target,
                      const UploadResult& result);

// The newest entry; nothing if there is none, or the file is damaged.
std::optional<PublishedRecord> last_published(const std::filesystem::path& folder);

}  // namespace qk
