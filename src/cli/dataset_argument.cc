#include "cli/dataset_argument.h"

#include "base/home_path.h"
#include "download/resolver.h"
#include "heads/dataset_repo.h"
#include "hub/repo.h"

namespace qk {

std::filesystem::path whole_dataset(const std::string& text, HubSession& hub) {
  if (const auto path = find_on_disk(text)) return *path;
  const std::string id = split_revision(text).id;
  if (!is_repo_id(id) || id.find('/') == std::string::npos) return expand_home(text);
  DatasetRepo repo(hub.resolver().snapshot(parse_repo_name("dataset", RepoKind::kDataset, text)),
                   hub.resolver());
  repo.bring_all();
  hub.end();
  return repo.snapshot().folder;
}

}  // namespace qk
