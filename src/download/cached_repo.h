// What a Hub cache holds of one repository.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/repo.h"

namespace qk {

struct CachedSnapshot {
  std::string commit;
  std::vector<std::string> revisions;  // branches and tags that name it, as the cache knows them
  int64_t num_files = 0, bytes = 0;    // that are there
  // How many the repository has at this commit; none: the cache does not know it.
  std::optional<int64_t> num_listed;
};

struct CachedRepo {
  std::filesystem::path folder;
  std::vector<CachedSnapshot> snapshots;             // by commit
  int64_t num_incomplete = 0, incomplete_bytes = 0;  // files of interrupted downloads
};

// Nothing if the cache has no folder for the repository. What cannot be read is left out.
std::optional<CachedRepo> list_cached_repo(const std::filesystem::path& cache, const Repo& repo);

}  // namespace qk
