#include "cli/hub_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"
#include "cli/account_text.h"
#include "cli/common_options.h"
#include "cli/hub_session.h"
#include "cli/repo_status.h"
#include "download/resolver.h"
#include "hub/hub_api.h"

namespace qk {
namespace {

struct StatusFlags {
  std::string repo;
  std::string type;
};

constexpr const char* kStatusExamples = R"(
Examples:
  qkscope hub status
  qkscope hub status org/name
  qkscope hub status org/name@branch --type dataset

Shows the address of the Hub, the account of the token and the folder of the Hub cache. Of a repository:
whether it is there as a model and as a dataset, who may see it, its branches and tags, the size of a
revision (default: main), and what of it lies in the cache; without a network, or with HF_HUB_OFFLINE=1,
only the last. Exit codes: 0; 1 there is no such repository, neither on the Hub nor in the cache, or no such
revision of it.)";

// silence: what was said if the Hub did not answer at all.
std::string account_line(const HubSettings& settings, HubClient& hub, std::string& silence) {
  if (settings.token.empty()) return "no token: set HF_TOKEN, or `hf auth login`";
  const std::string origin = "token from " + printable(settings.token_origin, 300);
  if (settings.offline) return origin + "; HF_HUB_OFFLINE is set";
  try {
    return account_text(who_am_i(hub), settings.token_origin);
  } catch (const HubError& error) {
    if (is_silence(error.fault())) silence = error.what();
    return origin + "; " + without_hub(error.what());
  }
}

// Whether the status answers the question: something is there, and the revision is.
bool is_answered(const std::vector<RepoStatus>& all) {
  for (const RepoStatus& status : all) {
    if (status.info && status.revision_fault.empty()) return true;
    const bool is_cached = status.cached && !status.cached->snapshots.empty();
    if (!status.info && is_cached) return true;
  }
  return false;
}

int show_status(const StatusFlags& flags) {
  const RepoName name = parse_repo_name("hub status", RepoKind::kDataset, flags.repo);
  if (!flags.repo.empty() && !is_repo_id(name.text)) {
    fail("hub status: expected a repository as owner/name or owner/name@revision, found '{}'",
         printable(flags.repo, 300));
  }
  HubSession session;
  HubClient& hub = session.client();
  const HubSettings& settings = session.settings();
  std::string silence;
  std::printf("%-10s%s\n%-10s%s\n%-10s%s\n", "Endpoint", settings.endpoint.c_str(), "Account",
              account_line(settings, hub, silence).c_str(), "Cache",
              path_text(settings.cache).c_str());
  if (flags.repo.empty()) return 0;
  std::vector<RepoStatus> shown;
  std::vector<RepoStatus> missing;
  for (const RepoKind kind : {RepoKind::kModel, RepoKind::kDataset}) {
    const std::string type = kind == RepoKind::kModel ? "model" : "dataset";
    if (!flags.type.empty() && flags.type != type) continue;
    RepoStatus status = read_repo_status(hub, {kind, name.text}, name.revision, silence);
    const bool is_nothing = status.is_missing && !status.cached;
    (is_nothing ? missing : shown).push_back(std::move(status));
  }
  for (const RepoStatus& status : shown.empty() ? missing : shown) {
    std::fputs(repo_status_text(status).c_str(), stdout);
  }
  return is_answered(shown) ? 0 : 1;
}

}  // namespace

void add_hub_command(CLI::App& app, int& exit_code) {
  CLI::App* hub = app.add_subcommand("hub", "Show what is on the Hub, and what of it is cached");
  hub->require_subcommand(1);
  hub->footer(kStatusExamples);
  const auto flags = std::make_shared<StatusFlags>();
  CLI::App* command =
      hub->add_subcommand("status", "Show the account, and one repository if it is named");
  command->add_option("repo", flags->repo, "Repository of the Hub: REPO or REPO@REVISION")
      ->type_name("REPO")
      ->group(kInputGroup);
  command->add_option("--type", flags->type, "Look only for a model, or only for a dataset")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"dataset", "model"}))
      ->group(kInputGroup);
  command->footer(kStatusExamples);
  command->callback([flags, &exit_code] { exit_code = show_status(*flags); });
}

}  // namespace qk
