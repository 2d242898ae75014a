#include "hub/hub_snapshot.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/list_files.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTreeBytes = size_t{1} << 28;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Shard {
  std::string series;  // the name without its own number
  int number = 0;
  int count = 0;
};

// "x-00001-of-00003.parquet" is number 1 of 3.
std::optional<Shard> shard_of(const std::string& name) {
  const size_t of = name.rfind("-of-");
  if (of == std::string::npos || of < 6 || name.size() < of + 9 || name[of - 6] != '-') {
    return std::nullopt;
  }
  const std::string number = name.substr(of - 5, 5);
  const std::string count = name.substr(of + 4, 5);
  if (!is_digits(number) || !is_digits(count)) return std::nullopt;
  return Shard{name.substr(0, of - 5) + name.substr(of), std::stoi(number), std::stoi(count)};
}

// The cache's list of all files of a snapshot.
fs::path tree_file(const fs::path& snapshot) {
  return snapshot.parent_path().parent_path() / "trees" / (snapshot.filename().string() + ".json");
}

// The files of the list. Throws Error if it is damaged.
nlohmann::json read_tree(const fs::path& tree) {
  nlohmann::json list = nlohmann::json::parse(read_file(tree, kMaxTreeBytes), nullptr, false);
  if (!list.is_object() || !list.contains("files") || !list["files"].is_object()) {
    fail("{}: files: expected an object with the repository's files",
         printable(tree.string(), 300));
  }
  return std::move(list["files"]);
}

}  // namespace

std::vector<std::string> list_snapshot(const fs::path& snapshot) {
  const fs::path tree = tree_file(snapshot);
  std::error_code ignored;
  // A link whose blob is gone stands for a missing file.
  if (!fs::is_regular_file(tree, ignored)) return list_files(snapshot, DanglingLinks::kList);
  std::vector<std::string> files;
  const nlohmann::json listed = read_tree(tree);
  for (const auto& [name, unused] : listed.items()) {
    const fs::path path = name;
    if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) {
      fail("{}: files: '{}' leads out of the repository", printable(tree.string(), 300),
           printable(name));
    }
    files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string missing_of_snapshot(const fs::path& snapshot, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code ignored;
    if (!fs::is_regular_file(snapshot / file, ignored)) return printable(file) + " is missing";
  }
  return "";
}

std::string missing_of_series(const fs::path& snapshot, const std::vector<std::string>& files) {
  std::error_code ignored;
  if (fs::is_regular_file(tree_file(snapshot), ignored)) return "";
  std::map<std::string, std::pair<int, std::set<int>>> series;
  for (const std::string& file : files) {
    if (const std::optional<Shard> shard = shard_of(file)) {
      auto& [count, numbers] = series[shard->series];
      count = shard->count;
      numbers.insert(shard->number);
    }
  }
  for (const auto& [name, shards] : series) {
    const auto& [count, numbers] = shards;
    if (static_cast<int>(numbers.size()) < count) {
      return fmt::format("{} of {} files like {}", numbers.size(), count, printable(name));
    }
  }
  return "";
}

std::optional<ListedFile> listed_file(const fs::path& file) {
  const fs::path snapshot = file.parent_path();
  const fs::path tree = tree_file(snapshot);
  std::error_code ignored;
  if (!fs::is_regular_file(tree, ignored)) return std::nullopt;
  const nlohmann::json listed = read_tree(tree);
  const auto found = listed.find(file.filename().string());
  if (found == listed.end() || !found->is_object()) return std::nullopt;
  const auto digest = found->find("lfs_sha256");
  const auto size = found->find("lfs_size");
  if (digest == found->end() || !digest->is_string() || size == found->end() ||
      !size->is_number_integer()) {
    return std::nullopt;
  }
  return ListedFile{size->get<int64_t>(), digest->get<std::string>()};
}

}  // namespace qk
