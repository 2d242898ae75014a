#include "publish/publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "publish/published_record.h"
#include "upload/commit.h"

namespace qk {
namespace {

constexpr const char* kMainMessage = "Add a README to the main branch";

bool is_bare(const std::vector<RemoteFile>& tree) {
  return std::ranges::all_of(tree,
                             [](const RemoteFile& file) { return file.path == ".gitattributes"; });
}

// Whether main has nothing yet.
bool main_is_bare(HubClient& hub, const UploadTarget& target, const UploadPlan& upload) {
  if (upload.creates_branch) return is_bare(upload.before);
  for (const BranchHead& branch : upload.refs.branches) {
    if (branch.name == kMainBranch) return is_bare(list_tree(hub, target.repo, branch.commit));
  }
  return false;  // there is no main
}

void write_main_readme(HubClient& hub, const UploadTarget& target) {
  UploadTarget main = target;
  main.branch = kMainBranch;
  main.message = kMainMessage;
  main.replaces = false;
  const std::vector<UploadFile> files = {describe_text("README.md", main_readme(target.repo.id))};
  const UploadPlan plan = plan_upload(hub, main, files);
  if (is_bare(plan.before)) run_upload(hub, main, plan, files, {});
}

// Of a repository that is there now, and whose main has moved.
UploadPlan plan_again(HubClient& hub, const PublishPlan& plan, const DatasetUpload& dataset) {
  UploadPlan out = plan_upload(hub, plan.target, dataset.files);
  const UploadPlan& old = plan.upload;
  const bool is_planned =
      out.creates_branch == old.creates_branch && (out.creates_branch || out.parent == old.parent);
  if (!is_planned) fail_moved(plan.target, old.creates_branch ? "" : old.parent, out.parent);
  return out;
}

// Which heads the branch has had, and keeps, is in the first word.
std::string first_word(const UploadPlan& upload) {
  if (upload.creates_branch) return "Add";
  if (!upload.deleted.empty()) return "Replace with";
  const auto is_data = [](const std::string& path) { return path.ends_with(".parquet"); };
  const bool has_data = std::ranges::any_of(upload.changed, is_data, &UploadFile::path) ||
                        std::ranges::any_of(upload.unchanged, is_data);
  return has_data ? "Update" : "Add";
}

}  // namespace

PublishPlan plan_publish(HubClient& hub, const UploadTarget& target, const DatasetUpload& dataset) {
  PublishPlan out{target, plan_upload(hub, target, dataset.files)};
  if (target.message.empty()) out.target.message = default_message(dataset, out.upload);
  const bool has_work = !out.upload.is_empty() || out.upload.creates_branch;
  out.writes_main_readme =
      has_work && target.branch != kMainBranch && main_is_bare(hub, target, out.upload);
  return out;
}

UploadResult run_publish(HubClient& hub, const PublishPlan& plan, const DatasetUpload& dataset,
                         const TransferOptions& options) {
  UploadPlan upload = plan.upload;
  if (plan.writes_main_readme) {
    if (upload.creates_repo) create_repo(hub, plan.target.repo, plan.target.is_private);
    write_main_readme(hub, plan.target);
    upload = plan_again(hub, plan, dataset);
  }
  const UploadResult result = run_upload(hub, plan.target, upload, dataset.files, options);
  record_published(dataset, plan.target, result);
  return result;
}

std::string default_message(const DatasetUpload& dataset, const UploadPlan& upload) {
  std::string model = dataset.model;
  if (model.starts_with('/')) model = std::filesystem::path(model).filename().string();
  return fmt::format("{} {} q/k vectors ({} heads)", first_word(upload),
                     model.empty() ? "model" : printable(model, 200), dataset.num_heads);
}

std::string main_readme(const std::string& repo) {
  return fmt::format(R"(---
pretty_name: "q and k vectors"
viewer: false
tags:
- attention
---

# Query and key vectors of attention heads

This branch has no data. Each capture, of one model over one corpus with one set of settings, is a
branch of its own. Its card says what was captured and lists its heads.

```python
from datasets import load_dataset
from huggingface_hub import list_repo_refs

print([branch.name for branch in list_repo_refs("{0}", repo_type="dataset").branches])
rows = load_dataset("{0}", "l00h00q", revision="name-of-the-branch", split="train")
```
)",
                     repo);
}

}  // namespace qk
