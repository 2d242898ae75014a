#include "download/hub_snapshot.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "download/tree_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

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

// The complete list of the repository's files, if the cache has it.
std::optional<std::vector<RemoteFile>> listed_files(const fs::path& snapshot) {
  return read_tree_file(snapshot.parent_path().parent_path(), snapshot.filename().string());
}

}  // namespace

std::string missing_of_snapshot(const fs::path& snapshot, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code ignored;
    if (!fs::is_regular_file(snapshot / file, ignored)) return printable(file) + " is missing";
  }
  return "";
}

std::string missing_of_series(const fs::path& snapshot, const std::vector<std::string>& files) {
  if (listed_files(snapshot)) return "";
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
  const auto files = listed_files(file.parent_path());
  if (!files) return std::nullopt;
  const std::string name = file.filename().string();
  const auto found = std::ranges::lower_bound(*files, name, {}, &RemoteFile::path);
  if (found == files->end() || found->path != name || found->sha256.empty()) return std::nullopt;
  return ListedFile{found->size, found->sha256};
}

}  // namespace qk
