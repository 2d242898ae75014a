// A dataset's folder onto a branch of a dataset repository of the Hub: docs/hub.md, "Publishing".
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "publish/dataset_upload.h"
#include "upload/upload.h"

namespace qk {

struct PublishPlan {
  UploadTarget target;
  UploadPlan upload;
  // The README that explains the repository: main gets it if nothing but .gitattributes is there and
  // something is sent to another branch.
  bool writes_main_readme = false;
};
// A target without a message gets default_message().
PublishPlan plan_publish(HubClient& hub, const UploadTarget& target, const DatasetUpload& dataset);

// Carries out the plan, and records it in the folder (publish/published_record.h). Throws as
// run_upload().
UploadResult run_publish(HubClient& hub, const PublishPlan& plan, const DatasetUpload& dataset,
                         const TransferOptions& options);

// "Add org/model q/k vectors (288 heads)"; of a branch that has heads "Update ...", of one that loses
// files "Replace with ...".
std::string default_message(const DatasetUpload& dataset, const UploadPlan& upload);
// The original's, for compat: reference.
inline constexpr const char* kReferenceMessage = "Update dataset";

// Text of the README of main.
std::string main_readme(const std::string& repo);

}  // namespace qk
