#include "heads/find_dataset.h"

#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/home_path.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// dataset_revision and the revision behind '@' must not contradict each other.
RepoName repo_name(const DatasetSource& source, const std::string& key, const std::string& text) {
  RepoName name = parse_repo_name(key, RepoKind::kDataset, text);
  const auto& revision = source.dataset_revision;
  if (revision && name.text != text && name.revision != *revision) {
    fail("dataset_revision: found {}, though {} says {}", printable(*revision), key,
         printable(text));
  }
  if (revision) name.revision = *revision;
  name.cache = source.dataset_cache_dir;
  return name;
}

FoundDataset in_snapshot(Snapshot snapshot) {
  fs::path folder = snapshot.folder;
  return {std::move(folder), std::move(snapshot)};
}

}  // namespace

FoundDataset find_dataset(const DatasetSource& source, Resolver& resolver) {
  if (source.dataset) {
    const auto path = find_on_disk(*source.dataset);
    if (!path) return in_snapshot(resolver.snapshot(repo_name(source, "dataset", *source.dataset)));
    if (is_folder(*path)) return {*path};
    fail("dataset: {}: expected the dataset's folder, found a file{}", printable(path->string()),
         path->extension() == ".yaml" || path->extension() == ".yml"
             ? "; --config reads a YAML file"
             : "");
  }
  if (source.dataset_local_root) {
    fs::path folder = expand_home(*source.dataset_local_root);
    if (is_folder(folder)) return {folder};
    fail("dataset_local_root: {}: there is no such folder", printable(folder.string()));
  }
  return in_snapshot(resolver.snapshot(repo_name(source, "dataset_name", source.dataset_name)));
}

}  // namespace qk
