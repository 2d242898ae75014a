#include "heads/find_dataset.h"

#include <cstdlib>
#include <system_error>

#include "base/error.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

fs::path expand_home(const std::string& text) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || !(text == "~" || text.starts_with("~/"))) return text;
  return fs::path(home) / text.substr(std::min<size_t>(2, text.size()));
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

fs::path in_hub_cache(const DatasetSource& source, const std::string& key,
                      const std::string& name) {
  const std::string revision = source.dataset_revision.value_or("main");
  std::optional<fs::path> cache;
  if (source.dataset_cache_dir) cache = expand_home(*source.dataset_cache_dir);
  if (const auto found = find_in_hub_cache(RepoKind::kDataset, name, revision, cache)) {
    return *found;
  }
  throw Error(not_in_hub_cache(key, RepoKind::kDataset, name, revision, cache));
}

}  // namespace

fs::path find_dataset(const DatasetSource& source) {
  if (source.dataset) {
    fs::path folder = expand_home(*source.dataset);
    if (is_folder(folder)) return folder;
    std::error_code error;
    if (fs::is_regular_file(folder, error)) {
      fail("dataset: {}: expected the dataset's folder, found a file", printable(folder.string()));
    }
    return in_hub_cache(source, "dataset", *source.dataset);
  }
  if (source.dataset_local_root) {
    fs::path folder = expand_home(*source.dataset_local_root);
    if (is_folder(folder)) return folder;
    fail("dataset_local_root: {}: there is no such folder", printable(folder.string()));
  }
  return in_hub_cache(source, "dataset_name", source.dataset_name);
}

}  // namespace qk
