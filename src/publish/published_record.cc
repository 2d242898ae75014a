#include "publish/published_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr const char* kKey = "published";

fs::path record_path(const fs::path& folder) { return folder / ".qkscope" / "published.json"; }

ordered_json read_entries(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_regular_file(record_path(folder), error)) return ordered_json::array();
  const auto json = ordered_json::parse(read_file(record_path(folder), kMostBytes), nullptr, false);
  const bool is_record = json.is_object() && json.contains(kKey) && json[kKey].is_array();
  return is_record ? json[kKey] : ordered_json::array();
}

// Another program that publishes the dataset holds the lock for a moment, too. The dataset is finished:
// an owner elsewhere is not worth a wait. Throws Error.
FolderLock lock_soon(const fs::path& folder) {
  constexpr int kTries = 20;
  for (int tries = 1; tries < kTries; ++tries) {
    try {
      return FolderLock(folder, Sharing::kAlone, {.seconds = 0});
    } catch (const Error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return FolderLock(folder, Sharing::kAlone, {.seconds = 0});
}

std::string now_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

std::string text_of_key(const ordered_json& entry, const char* key) {
  return entry.is_object() && entry.contains(key) && entry[key].is_string()
             ? entry[key].get<std::string>()
             : "";
}

}  // namespace

void record_published(const DatasetUpload& dataset, const UploadTarget& target,
                      const UploadResult& result) {
  try {
    const FolderLock lock = lock_soon(dataset.folder);
    ordered_json entries = ordered_json::array();
    for (const ordered_json& entry : read_entries(dataset.folder)) {
      const bool is_same = text_of_key(entry, "repo") == target.repo.id &&
                           text_of_key(entry, "branch") == target.branch;
      if (!is_same) entries.push_back(entry);
    }
    entries.push_back({{"repo", target.repo.id},
                       {"branch", target.branch},
                       {"commit", result.commit},
                       {"url", result.url},
                       {"time", now_text()},
                       {"files", std::ssize(dataset.files)},
                       {"bytes", dataset.bytes}});
    std::error_code ignored;
    fs::create_directories(record_path(dataset.folder).parent_path(), ignored);
    write_file(record_path(dataset.folder), ordered_json{{kKey, entries}}.dump(2) + "\n");
  } catch (const Error&) {
    return;
  }
}

CardTarget last_target(const fs::path& folder) {
  const ordered_json entries = read_entries(folder);
  if (entries.empty()) return {};
  return {text_of_key(entries.back(), "repo"), text_of_key(entries.back(), "branch")};
}

}  // namespace qk
