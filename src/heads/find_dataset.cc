#include "heads/find_dataset.h"

#include <system_error>

#include "base/error.h"
#include "base/home_path.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

RepoName repo_name(const DatasetSource& source, const std::string& key, const std::string& text) {
  return {key, RepoKind::kDataset, text, source.dataset_revision.value_or("main"),
          source.dataset_cache_dir};
}

}  // namespace

fs::path find_dataset(const DatasetSource& source, Resolver& resolver) {
  if (source.dataset) {
    fs::path folder = resolver.resolve(repo_name(source, "dataset", *source.dataset));
    if (is_folder(folder)) return folder;
    fail("dataset: {}: expected the dataset's folder, found a file{}", printable(folder.string()),
         folder.extension() == ".yaml" || folder.extension() == ".yml"
             ? "; --config reads a YAML file"
             : "");
  }
  if (source.dataset_local_root) {
    fs::path folder = expand_home(*source.dataset_local_root);
    if (is_folder(folder)) return folder;
    fail("dataset_local_root: {}: there is no such folder", printable(folder.string()));
  }
  return resolver.snapshot(repo_name(source, "dataset_name", source.dataset_name)).folder;
}

}  // namespace qk
