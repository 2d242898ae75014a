#include "cli/publish_text.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/number_text.h"
#include "base/path_text.h"

namespace qk {
namespace {

constexpr size_t kShownNames = 5;

void add_publish_line(std::string& out, const char* name, const std::string& text) {
  out += fmt::format("  {:<11}{}\n", name, text);
}

int64_t bytes_of(const std::vector<UploadFile>& files) {
  int64_t bytes = 0;
  for (const UploadFile& file : files) bytes += file.size;
  return bytes;
}

std::string short_list(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShownNames); ++i) {
    out += (i > 0 ? ", " : "") + printable(names[i]);
  }
  return out + (names.size() > kShownNames ? ", ..." : "");
}

void add_files(std::string& out, const char* name, const std::vector<UploadFile>& files) {
  if (files.empty()) return;
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const UploadFile& file : files) names.push_back(file.path);
  add_publish_line(
      out, name,
      fmt::format("{}, {}: {}", plural(std::ssize(files), "file"),
                  bytes_text(static_cast<double>(bytes_of(files))), short_list(names)));
}

// Each by its name: they are somebody's.
void add_paths(std::string& out, const char* name, const std::string& what,
               const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  add_publish_line(out, name, fmt::format("{} {}", plural(std::ssize(paths), "file"), what));
  for (const std::string& path : paths) add_publish_line(out, "", printable(path, 400));
}

std::string target_text(const PublishCheck& check, const std::string& branch, bool is_private) {
  const std::string place = fmt::format("{}, branch {}", check.repo.id, printable(branch));
  if (!check.repo_exists) {
    return fmt::format("{} ({} repository, which will be created)", place,
                       is_private ? "a private" : "a public");
  }
  return check.branch_exists ? place : place + " (which will be created)";
}

}  // namespace

std::string publish_plan_text(const DatasetUpload& dataset, const PublishPlan& plan) {
  const UploadPlan& upload = plan.upload;
  std::string out = "Plan\n";
  add_publish_line(
      out, "dataset",
      fmt::format("{}: {}, {} in {}", path_text(dataset.folder), plural(dataset.num_heads, "head"),
                  bytes_text(static_cast<double>(dataset.bytes)),
                  plural(std::ssize(dataset.files), "file")));
  PublishCheck found;
  found.repo = plan.target.repo;
  found.repo_exists = !upload.creates_repo;
  found.branch_exists = !upload.creates_branch;
  add_publish_line(out, "to", target_text(found, plan.target.branch, plan.target.is_private));
  add_publish_line(out, "message", printable(plan.target.message, 400));
  add_files(out, "new", upload.created);
  add_files(out, "changed", upload.changed);
  if (!upload.unchanged.empty()) {
    add_publish_line(out, "unchanged", plural(std::ssize(upload.unchanged), "file"));
  }
  add_paths(out, "deleted",
            upload.creates_branch ? "of the main branch, which the new branch does not get"
                                  : "of the branch",
            upload.deleted);
  if (upload.deleted.empty()) {
    add_paths(out, "foreign", "of the branch that stay there (--replace deletes them)",
              upload.foreign);
  }
  if (!dataset.left_out.empty()) {
    add_publish_line(out, "not sent", "beside the dataset: " + short_list(dataset.left_out));
  }
  if (plan.writes_main_readme) {
    add_publish_line(out, "main", "is empty: it gets a README that explains the branches");
  }
  if (upload.is_empty() && !upload.creates_branch) {
    add_publish_line(out, "", "the branch holds this dataset already: nothing is to be sent");
  }
  return out;
}

std::string publish_result_text(const PublishPlan& plan, const UploadResult& result,
                                double seconds) {
  const std::string place =
      fmt::format("{}, branch {}", plan.target.repo.id, printable(plan.target.branch));
  if (result.nothing_to_do) {
    return fmt::format("Published already: {} holds this dataset, nothing was sent\n  {}\n", place,
                       result.url);
  }
  return fmt::format(
      "Published to {}: {} sent ({}) in {}, {}read back and compared\n  {}\n", place,
      plural(result.num_transferred, "file"),
      bytes_text(static_cast<double>(result.bytes_transferred)), seconds_text(seconds),
      result.num_commits > 1 ? plural(result.num_commits, "commit") + ", " : "", result.url);
}

std::string publish_check_text(const PublishCheck& check, const std::string& branch,
                               bool is_private) {
  return fmt::format("{}, as user {}", target_text(check, branch, is_private),
                     printable(check.user));
}

}  // namespace qk
