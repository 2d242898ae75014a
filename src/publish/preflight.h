// What can be known before a day of work: whether its result can be published.
#pragma once

#include <string>
#include <vector>

#include "hub/hub_api.h"

namespace qk {

// Throws Error: the text is no repository's name or no branch's name. `key` begins the message.
void check_repo_name(const std::string& key, const std::string& repo);
void check_branch_name(const std::string& key, const std::string& branch);

struct PublishCheck {
  Repo repo;         // as it is called today, with its namespace: a bare name is in the user's own
  std::string user;  // whose token it is
  bool repo_exists = false, branch_exists = false;
  bool is_private = false;  // the repository that exists
};

// Throws Error: a private repository is wanted, and there is a public one.
void check_privacy(const PublishCheck& check, bool wants_private);

// Asks the Hub whether the token may write to the dataset repository, or create it. An existing one is
// asked how it would store a file, which changes nothing and needs the right to write. Throws Error:
// offline, no token, a token that may only read, no right to write there; HubError.
PublishCheck check_publish_target(HubClient& hub, const std::string& repo,
                                  const std::string& branch);

}  // namespace qk
