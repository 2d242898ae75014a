// The local cache of the Hugging Face Hub, as the official clients lay it out:
//   <cache>/{models,datasets}--<org>--<name>/refs/<revision>      the commit, 40 hex digits
//   <cache>/{models,datasets}--<org>--<name>/snapshots/<commit>/  the files
// Read only: nothing here downloads or writes. Layout: huggingface.co/docs/hub/local-cache
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "hub/repo.h"

namespace qk {

// The cache's folder: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else $HF_HOME/hub, else
// $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub. Empty variables count as unset;
// a leading ~ and $NAME or ${NAME} inside a value are expanded.
std::filesystem::path hub_cache_folder();

// The snapshot folder in a cache of a repository at a revision (a branch, a tag, or a commit of 40
// hex digits); nothing if the cache does not have it, or if repo_id is not a repository id. The
// folder may lack files that nobody has downloaded yet.
std::optional<std::filesystem::path> find_in_hub_cache(const std::filesystem::path& cache,
                                                       RepoKind kind, std::string_view repo_id,
                                                       std::string_view revision);

}  // namespace qk
