#include "publish/publish.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "publish/published_record.h"

namespace qk {
namespace {

constexpr const char* kMainMessage = "Add a README to the main branch";

bool is_bare(const std::vector<RemoteFile>& tree) {
  return std::ranges::all_of(tree,
                             [](const RemoteFile& file) { return file.path == ".gitattributes"; });
}

// Whether main has nothing yet.
bool main_is_bare(HubClient& hub, const UploadTarget& target, const UploadPlan& upload) {
  if (upload.creates_repo) return true;
  if (upload.creates_branch) return is_bare(upload.before);
  for (const BranchHead& branch : list_refs(hub, target.repo).branches) {
    if (branch.name == kMainBranch) return is_bare(list_tree(hub, target.repo, branch.commit));
  }
  return true;
}

void write_main_readme(HubClient& hub, const UploadTarget& target) {
  UploadTarget main = target;
  main.branch = kMainBranch;
  main.message = kMainMessage;
  main.replaces = false;
  const std::vector<UploadFile> files = {describe_text("README.md", main_readme(target.repo.id))};
  run_upload(hub, main, plan_upload(hub, main, files), files, {});
}

}  // namespace

PublishPlan plan_publish(HubClient& hub, const UploadTarget& target, const DatasetUpload& dataset) {
  PublishPlan out{target, plan_upload(hub, target, dataset.files)};
  const bool has_work = !out.upload.is_empty() || out.upload.creates_branch;
  out.writes_main_readme =
      has_work && target.branch != kMainBranch && main_is_bare(hub, target, out.upload);
  return out;
}

UploadResult run_publish(HubClient& hub, const PublishPlan& plan, const DatasetUpload& dataset,
                         const TransferOptions& options) {
  if (plan.writes_main_readme) write_main_readme(hub, plan.target);
  UploadPlan upload = plan.upload;
  if (plan.writes_main_readme) upload.creates_repo = false;  // it has been by now
  const UploadResult result = run_upload(hub, plan.target, upload, dataset.files, options);
  record_published(dataset, plan.target, result);
  return result;
}

std::string default_message(const DatasetUpload& dataset) {
  std::string model = dataset.model;
  if (model.starts_with('/')) model = std::filesystem::path(model).filename().string();
  return fmt::format("Add {} q/k vectors ({} heads)",
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
