// <folder>/.qkscope/published.json: where a dataset was published, for each branch the last time. It is no
// part of the dataset.
#pragma once

#include <filesystem>

#include "publish/dataset_upload.h"

namespace qk {

// Replaces the branch's entry, under the folder's lock. A folder that cannot be written gets none: what was published counts.
void record_published(const DatasetUpload& dataset, const UploadTarget& target,
                      const UploadResult& result);

// Where it was published last; empty if nowhere, or if the record is damaged.
CardTarget last_target(const std::filesystem::path& folder);

}  // namespace qk
