#include "cli/publish_run.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.h"
#include "base/path_text.h"
#include "base/thread_pool.h"
#include "capture/run_clock.h"
#include "cli/publish_text.h"
#include "publish/publish.h"
#include "publish/published_record.h"

namespace qk {
namespace {

// A word for the shell.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Repository and branch: as asked for, else as the card recorded, else where it went last.
void settle_target(PublishRequest& request) {
  const std::string card = path_text(request.folder / "README.md");
  const std::string repo_key = request.repo.empty() ? card + ": dataset_repo" : "--repo";
  const std::string branch_key = request.branch.empty() ? card + ": dataset_branch" : "--branch";
  CardTarget recorded = read_card_target(request.folder);
  if (recorded.repo.empty()) recorded = last_target(request.folder);
  if (request.repo.empty()) {
    request.repo = recorded.repo;
    if (request.branch.empty()) request.branch = recorded.branch;
  }
  if (request.repo.empty()) {
    fail("{}: its card does not say where it belongs: name the repository with --repo org/name",
         path_text(request.folder));
  }
  if (request.branch.empty()) request.branch = kMainBranch;
  check_repo_name(repo_key, request.repo);
  check_branch_name(branch_key, request.branch);
}

UploadTarget target_of_request(const PublishRequest& request, const PublishCheck& check) {
  UploadTarget target;
  target.repo = check.repo;
  target.branch = request.branch;
  target.is_private = request.is_private;
  target.replaces = request.replaces;
  target.message = request.message;
  if (request.files_per_commit > 0) target.files_per_commit = request.files_per_commit;
  return target;
}

// Cards are published as they are.
void warn_of_card(const CardTarget& said, const UploadTarget& target, const Repo& asked) {
  const std::string branch = said.branch.empty() ? kMainBranch : said.branch;
  const bool is_same = said.repo == target.repo.id || said.repo == asked.id;
  if (said.repo.empty() || (is_same && branch == target.branch)) return;
  std::fprintf(
      stderr,
      "qkscope: warning: the card says that the dataset is at %s, branch %s, and its example "
      "of load_dataset() leads there\n",
      printable(said.repo).c_str(), printable(branch).c_str());
}

}  // namespace

void publish_dataset(HubSession& hub, const PublishRequest& asked) {
  const RunClock clock;
  PublishRequest request = asked;
  settle_target(request);
  HubClient& client = hub.client();
  const PublishCheck check =
      request.check ? *request.check : check_publish_target(client, request.repo, request.branch);
  check_privacy(check, request.is_private);
  ThreadPool pool(request.num_threads);
  const DatasetUpload dataset = describe_dataset(request.folder, pool, client.stop());
  for (const std::string& warning : dataset.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  const UploadTarget target = target_of_request(request, check);
  warn_of_card(read_card_target(request.folder), target, {RepoKind::kDataset, request.repo});
  const PublishPlan plan = plan_publish(client, target, dataset);
  std::fputs(publish_plan_text(dataset, plan).c_str(), request.says);
  std::fflush(request.says);
  if (request.dry_run) return;
  const UploadResult result = run_publish(client, plan, dataset, hub.transfers());
  std::fputs(publish_result_text(plan, result, clock.seconds()).c_str(), request.says);
}

std::string publish_command(const PublishRequest& request) {
  std::string out = "qkscope publish " + shell_word(request.folder.string());
  if (!request.repo.empty()) out += " --repo " + shell_word(request.repo);
  if (!request.branch.empty()) out += " --branch " + shell_word(request.branch);
  if (request.is_private) out += " --private";
  if (request.replaces) out += " --replace";
  if (!request.message.empty()) out += " --message " + shell_word(request.message);
  return out;
}

}  // namespace qk
