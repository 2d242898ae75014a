// The local cache of the Hugging Face Hub, as the official clients lay it out:
//   <cache>/{models,datasets}--<org>--<name>/refs/<revision>      the commit, 40 hex digits
//   <cache>/{models,datasets}--<org>--<name>/snapshots/<commit>/  the files
// Here it is read; download/cache_writer.h writes it. Layout: huggingface.co/docs/hub/local-cache
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

// The folder of a repository in a cache, "<cache>/models--org--name".
std::filesystem::path repo_cache_folder(const std::filesystem::path& cache, const Repo& repo);

// Whether a path or a revision names something below the folder that it is relative to.
bool is_safe_path(std::string_view path);

// The commit that a revision (a branch, a tag, or a commit of 40 hex digits) names in the cache;
// empty if the cache does not know it.
std::string cached_commit(const std::filesystem::path& cache, const Repo& repo,
                          std::string_view revision);

// The snapshot folder in a cache of a repository at a revision (a branch, a tag, or a commit of 40
// hex digits); nothing if the cache does not have it, or if repo_id is not a repository id. The
// folder may lack files that nobody has downloaded yet.
std::optional<std::filesystem::path> find_in_hub_cache(const std::filesystem::path& cache,
                                                       RepoKind kind, std::string_view repo_id,
                                                       std::string_view revision);

}  // namespace qk
