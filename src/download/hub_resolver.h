// The resolver that downloads: paths, the Hub, and the Hub cache when there is no answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "download/download.h"
#include "download/resolver.h"

namespace qk {

// Offline, it knows the Hub cache as it is. `hub` outlives the resolver.
class HubResolver final : public Resolver {
 public:
  // offline_reason: of an offline client, between "not in the cache" and "download it with ...".
  HubResolver(HubClient& hub, TransferOptions options,
              std::string offline_reason = "; HF_HUB_OFFLINE is set: unset it, or");
  std::optional<Snapshot> find_snapshot(const RepoName& name) override;
  std::string not_found(const RepoName& name) const override;
  std::vector<std::string> list_files(const Snapshot& snapshot) override;
  // Downloads those that are missing, after a check that the disk has room for them.
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override;
  int64_t missing_bytes(const Snapshot& snapshot, const std::vector<std::string>& files) override;

 private:
  // The answer to the one question of a run about a repository and revision.
  struct Answer {
    std::optional<RepoTree> tree;
    std::string failure;  // without a tree: what the Hub said
  };
  Answer& ask(const RepoName& name);
  const RepoTree& tree_of(const RepoName& name);
  std::filesystem::path cache_of(const RepoName& name) const;
  void check_known(const RepoName& name, const RepoTree& tree,
                   const std::vector<std::string>& files) const;

  HubClient& hub_;
  TransferOptions options_;
  std::string offline_reason_;
  std::map<std::string, Answer> answers_;
};

}  // namespace qk
