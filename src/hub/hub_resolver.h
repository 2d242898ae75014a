// The resolver that downloads: paths, the Hub, and the Hub cache when there is no answer.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hub/download.h"
#include "hub/resolver.h"

namespace qk {

class HubResolver final : public Resolver {
 public:
  HubResolver(HubClient& hub, TransferOptions options);
  std::optional<Snapshot> find_snapshot(const RepoName& name) override;
  std::string not_found(const RepoName& name) const override;
  std::vector<std::string> list_files(const Snapshot& snapshot) override;
  // Downloads those that are missing, after a check that the disk has room for them.
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override;
  int64_t missing_bytes(const Snapshot& snapshot, const std::vector<std::string>& files) override;

 private:
  HubClient& hub_;
  TransferOptions options_;
  std::map<std::string, RepoTree> trees_;  // of this run: one question a repository and revision
};

}  // namespace qk
