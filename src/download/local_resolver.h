// The resolver that knows what is on this machine: paths, and the Hub cache as it is. It never asks
// the Hub.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "download/hub_resolver.h"
#include "hub/hub_client.h"

namespace qk {

class LocalResolver final : public Resolver {
 public:
  // reason: as HubResolver's offline_reason; none: nobody asked to be offline.
  explicit LocalResolver(std::string reason = ":");
  std::optional<Snapshot> find_snapshot(const RepoName& name) override;
  std::string not_found(const RepoName& name) const override;
  std::vector<std::string> list_files(const Snapshot& snapshot) override;
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override;
  int64_t missing_bytes(const Snapshot&, const std::vector<std::string>&) override { return 0; }

 private:
  HubClient hub_;
  HubResolver resolver_;
};

}  // namespace qk
