// What the Hub and the cache say about one repository.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/schema.h"
#include "download/cached_repo.h"
#include "hub/hub_api.h"
#include "hub/hub_client.h"

namespace qk {

// A captured dataset, by the names of its folders and its card.
struct CaptureStatus {
  std::vector<ConfigName> heads;
  std::string model;  // empty: its card does not say it
};

struct RepoStatus {
  Repo repo;
  std::string revision;
  std::string fault;             // why the Hub says nothing of the repository: a sentence
  bool is_missing = false;       // it is not there, or not for us, or nobody was asked (offline)
  std::optional<RepoInfo> info;  // of the repository's default branch
  RepoRefs refs;
  std::string revision_fault;  // why it says nothing of the revision
  std::string commit;          // of the revision
  std::vector<RemoteFile> files;
  std::optional<CaptureStatus> capture;
  std::optional<CachedRepo> cached;
};

// Asks the Hub, unless HF_HUB_OFFLINE is set. Throws Stopped only.
//   silence  in and out: what was said when the Hub did not answer at all; it is not asked again then
RepoStatus read_repo_status(HubClient& hub, const Repo& repo, const std::string& revision,
                            std::string& silence);

// Without "hub: ", for lines that say already where it comes from.
std::string without_hub(const std::string& fault);

// What `qkscope hub status` prints of it, several lines.
std::string repo_status_text(const RepoStatus& status);

}  // namespace qk
