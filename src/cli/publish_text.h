// What `publish` says.
#pragma once

#include <string>

#include "publish/dataset_upload.h"
#include "publish/preflight.h"
#include "publish/publish.h"

namespace qk {

// Files that are created, changed and unchanged in numbers; those that go, and those of others that
// stay, by name.
std::string publish_plan_text(const DatasetUpload& dataset, const PublishPlan& plan);

std::string publish_result_text(const PublishPlan& plan, const UploadResult& result,
                                double seconds);

// "org/name, branch b: ...": what a run that publishes in the end is told before it begins.
std::string publish_check_text(const PublishCheck& check, const std::string& branch,
                               bool is_private);

}  // namespace qk
