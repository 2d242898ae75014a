#include "cli/dataset_argument.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/home_path.h"
#include "heads/dataset_repo.h"
#include "hub/repo.h"

namespace qk {

namespace {

constexpr size_t kShownPath = 400;
constexpr size_t kShownCommit = 12;

}  // namespace

std::string WholeDataset::title() const {
  if (!snapshot) return printable(folder.string(), kShownPath);
  return fmt::format("{}@{} (commit {})", printable(snapshot->name.text),
                     printable(snapshot->name.revision),
                     snapshot->commit().substr(0, kShownCommit));
}

std::string WholeDataset::path_text(const std::filesystem::path& path) const {
  const std::filesystem::path shown = snapshot ? path.lexically_relative(folder) : path;
  return printable(shown == "." ? title() : shown.string(), kShownPath);
}

WholeDataset whole_dataset(const std::string& text, HubSession& hub) {
  if (const auto path = find_on_disk(text)) return {*path};
  const std::string id = split_revision(text).id;
  if (!is_repo_id(id) || id.find('/') == std::string::npos) return {expand_home(text)};
  DatasetRepo repo(hub.resolver().snapshot(parse_repo_name("dataset", RepoKind::kDataset, text)),
                   hub.resolver());
  repo.bring_all();
  hub.end();
  return {repo.snapshot().folder, repo.snapshot()};
}

}  // namespace qk
