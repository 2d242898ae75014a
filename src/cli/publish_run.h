// Publishing, as `publish` and the end of `sniff` do it.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/hub_session.h"
#include "publish/preflight.h"

namespace qk {

struct PublishRequest {
  std::filesystem::path folder;
  std::string repo, branch;           // empty: what the card recorded
  std::string message;                // empty: default_message()
  std::optional<PublishCheck> check;  // of an earlier check_publish_target(), which is not repeated
  bool is_private = false;
  bool replaces = false;
  bool dry_run = false;
  int64_t files_per_commit = 0;  // 0: the default
  int num_threads = 0;
  std::FILE* says = stdout;  // where the plan and the commit's address are printed
};

// Prints the plan, then the commit's address. Sends nothing that changes anything with dry_run.
// Throws Error, HubError, Stopped.
void publish_dataset(HubSession& hub, const PublishRequest& request);

// The command that does the same later, as a shell takes it.
std::string publish_command(const PublishRequest& request);

}  // namespace qk
