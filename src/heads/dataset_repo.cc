#include "heads/dataset_repo.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dataset/document_table.h"
#include "dataset/entry_names.h"

namespace qk {
namespace {

constexpr std::array<std::string_view, 3> kBeside = {"README.md", kDocumentTable,
                                                     "_saver_state.json"};

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

bool is_head(const std::string& name) { return parse_config_name(name).has_value(); }

}  // namespace

DatasetRepo::DatasetRepo(Snapshot snapshot, Resolver& resolver)
    : snapshot_(std::move(snapshot)), resolver_(resolver), names_(resolver.list_files(snapshot_)) {}

std::vector<std::string> DatasetRepo::below(const std::string& folder) const {
  if (folder.empty()) return names_;
  std::vector<std::string> out;
  const std::string prefix = folder + "/";
  for (const std::string& name : names_) {
    if (name.starts_with(prefix)) out.push_back(name.substr(prefix.size()));
  }
  return out;
}

bool DatasetRepo::has_folder(const std::string& folder) const { return !below(folder).empty(); }

std::vector<std::string> DatasetRepo::folders_with_heads() const {
  std::set<std::string> out;
  for (const std::string& name : names_) {
    const size_t first = name.find('/');
    const size_t second = first == std::string::npos ? first : name.find('/', first + 1);
    if (second == std::string::npos) continue;
    if (is_head(name.substr(first + 1, second - first - 1)) && !is_head(name.substr(0, first))) {
      out.insert(name.substr(0, first));
    }
  }
  return {out.begin(), out.end()};
}

DatasetFolder DatasetRepo::list(const std::string& folder) const {
  std::set<std::string> folders;
  for (const std::string& name : below(folder)) {
    if (const size_t slash = name.find('/'); slash != std::string::npos) {
      folders.insert(name.substr(0, slash));
    }
  }
  DatasetFolder out;
  for (const std::string& name : folders) {
    if (const std::string_view table = lake_table_of(name); !table.empty()) {
      fail("{}: {} is {} (it holds {}), and only its log says which files count",
           snapshot_.name.key, snapshot_.name.title(), table, name);
    }
    if (is_sidecar_name(name)) continue;
    if (const auto head = parse_config_name(name)) {
      out.heads.push_back(*head);
    } else if (const auto meant = head_name_like(name)) {
      out.unread.push_back({snapshot_.folder / joined(folder, name),
                            fmt::format("is not read: a head's folder is named like {}", *meant)});
    }
  }
  std::ranges::sort(out.heads);
  return out;
}

void DatasetRepo::bring_heads(const std::string& folder, const std::vector<ConfigName>& heads) {
  std::set<std::string> folders;
  for (const ConfigName& head : heads) {
    folders.insert(joined(folder, config_name(head.layer, head.head, head.kind)));
  }
  std::vector<std::string> files;
  const size_t depth = folder.empty() ? 0 : folder.size() + 1;
  for (const std::string& name : names_) {
    if (name.size() <= depth) continue;
    if (folders.contains(name.substr(0, name.find('/', depth)))) files.push_back(name);
  }
  resolver_.require_files(snapshot_, files);
}

void DatasetRepo::bring_beside(const std::string& folder) {
  std::vector<std::string> files;
  for (const std::string_view name : kBeside) {
    const std::string file = joined(folder, std::string(name));
    if (std::ranges::binary_search(names_, file)) files.push_back(file);
  }
  resolver_.require_files(snapshot_, files);
}

void DatasetRepo::bring_all() {
  if (list("").heads.empty()) {
    const std::vector<std::string> folders = folders_with_heads();
    fail("{}: {} holds no heads: it has no folder like l00h00q{}", snapshot_.name.key,
         snapshot_.name.title(),
         folders.empty() ? ""
                         : fmt::format("; the heads lie in {}: bring them with `qkscope fetch {} "
                                       "--to DIR` and name that folder",
                                       printable(folders.front()), printable(snapshot_.name.text)));
  }
  std::vector<std::string> files = names_;
  std::erase(files, ".gitattributes");
  resolver_.require_files(snapshot_, files);
}

}  // namespace qk
