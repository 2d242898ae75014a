#include "download/local_resolver.h"

#include <utility>

namespace qk {
namespace {

HubSettings offline_settings() {
  HubSettings settings;
  settings.cache = hub_cache_folder();
  settings.offline = true;
  return settings;
}

}  // namespace

LocalResolver::LocalResolver(std::string reason)
    : hub_(offline_settings(), nullptr), resolver_(hub_, {}, std::move(reason)) {}

std::optional<Snapshot> LocalResolver::find_snapshot(const RepoName& name) {
  return resolver_.find_snapshot(name);
}

std::string LocalResolver::not_found(const RepoName& name) const {
  return resolver_.not_found(name);
}

std::vector<std::string> LocalResolver::list_files(const Snapshot& snapshot) {
  return resolver_.list_files(snapshot);
}

void LocalResolver::require_files(const Snapshot& snapshot, const std::vector<std::string>& files) {
  resolver_.require_files(snapshot, files);
}

}  // namespace qk
