#include "download/tree_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr size_t kMaxTreeBytes = size_t{1} << 28;
constexpr int kTreeFormat = 1;
constexpr size_t kTreeSha256Digits = 64;
constexpr size_t kTreeSha1Digits = 40;

bool has_digits(std::string_view text, size_t digits) {
  return text.size() == digits && is_hex(text);
}

std::string text_at(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

RemoteFile file_of(const std::string& path, const Json& entry, const std::string& where) {
  if (!is_safe_path(path)) {
    fail("{}: files: '{}' leads out of the repository", where, printable(path));
  }
  RemoteFile file;
  file.path = path;
  if (!entry.is_object()) return file;
  const auto size = entry.find("size");
  if (size != entry.end() && size->is_number_unsigned()) file.size = size->get<int64_t>();
  if (file.size < 0) {  // above int64_t
    fail("{}: files: '{}': size: {} bytes are more than any file has", where, printable(path),
         size->dump());
  }
  file.blob_id = text_at(entry, "blob_id");
  file.sha256 = text_at(entry, "lfs_sha256");
  file.xet_hash = text_at(entry, "xet_hash");
  if (!file.blob_id.empty() && !has_digits(file.blob_id, kTreeSha1Digits)) {
    fail("{}: files: '{}': blob_id: expected 40 hexadecimal digits, found '{}'", where,
         printable(path), printable(file.blob_id));
  }
  if (!file.sha256.empty() && !has_digits(file.sha256, kTreeSha256Digits)) {
    fail("{}: files: '{}': lfs_sha256: expected 64 hexadecimal digits, found '{}'", where,
         printable(path), printable(file.sha256));
  }
  return file;
}

}  // namespace

std::optional<std::vector<RemoteFile>> read_tree_file(const fs::path& repo_folder,
                                                      const std::string& commit) {
  const fs::path path = repo_folder / "trees" / (commit + ".json");
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  const Json json = Json::parse(read_file(path, kMaxTreeBytes), nullptr, false);
  const std::string where = path_text(path);
  if (!json.is_object() || !json.contains("files") || !json["files"].is_object()) {
    fail("{}: files: expected an object with the repository's files", where);
  }
  // Another format may mean something else by the same keys.
  if (json.contains("format_version") && json["format_version"] != kTreeFormat) return std::nullopt;
  std::vector<RemoteFile> files;
  files.reserve(json["files"].size());
  for (const auto& [name, entry] : json["files"].items()) {
    files.push_back(file_of(name, entry, where));
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::string tree_file_text(const std::vector<RemoteFile>& files) {
  using Ordered = nlohmann::ordered_json;
  Ordered entries = Ordered::object();
  auto& map = entries.get_ref<Ordered::object_t&>();
  map.reserve(files.size());
  for (const RemoteFile& file : files) {
    Ordered entry = {{"size", file.size}, {"blob_id", file.blob_id}};
    if (!file.sha256.empty()) {
      entry["lfs_sha256"] = file.sha256;
      entry["lfs_size"] = file.size;
    }
    if (!file.xet_hash.empty()) entry["xet_hash"] = file.xet_hash;
    map.emplace_back(file.path, std::move(entry));  // operator[] would search all that are there
  }
  const Ordered json = {{"format_version", kTreeFormat}, {"files", std::move(entries)}};
  return json.dump(1, ' ', true, Ordered::error_handler_t::replace);
}

}  // namespace qk
