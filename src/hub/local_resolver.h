// The resolver that knows what is on this machine: paths, and the Hub cache as other programs have
// filled it (hub/hub_cache.h). It downloads nothing: messages name the command that does.
#pragma once

#include "hub/resolver.h"

namespace qk {

class LocalResolver final : public Resolver {
 public:
  std::optional<Snapshot> find_snapshot(const RepoName& name) override;
  std::string not_found(const RepoName& name) const override;
  std::vector<std::string> list_files(const Snapshot& snapshot) override;
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override;
  int64_t missing_bytes(const Snapshot&, const std::vector<std::string>&) override { return 0; }
};

}  // namespace qk
