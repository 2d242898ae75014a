// A snapshot folder of the Hub cache (hub/hub_cache.h). It holds what was downloaded, which may be
// less than the repository has; a part of a dataset must not pass for the whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qk {

struct ListedFile {
  int64_t bytes = 0;
  std::string sha256;
};

// What the snapshot lacks of these files, for a message: the first file that is not there. Empty if
// it has all.
std::string missing_of_snapshot(const std::filesystem::path& snapshot,
                                const std::vector<std::string>& files);

// A numbered series ("...-00001-of-00003...") of which the list has only some, for a message. Empty
// if there is none, or if the cache knows all files of the repository: then it has no others.
std::string missing_of_series(const std::filesystem::path& snapshot,
                              const std::vector<std::string>& files);

// The size and the SHA-256 of a file of a snapshot as the cache knows them from the repository's
// list; nothing if it does not.
std::optional<ListedFile> listed_file(const std::filesystem::path& file);

}  // namespace qk
