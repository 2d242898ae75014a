#include "compare/find_results.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kLargestRecord = size_t{256} << 20;

// A record of an analysis, or nothing if the file is something else.
std::optional<json> read_record(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  json out = json::parse(read_file(file, kLargestRecord), nullptr, false);
  if (!out.is_object() || !out.contains("program") || out["program"] != "qkscope") return {};
  if (!out.contains("tables") || !out["tables"].is_object() || !out["tables"].contains("heads")) {
    return {};
  }
  return out;
}

FoundResults find_in_folder(const fs::path& folder) {
  std::vector<FoundResults> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    auto record = read_record(it->path());
    if (!record) continue;
    fs::path csv = folder / table_name(*record, "heads");
    if (fs::is_regular_file(csv, error)) found.push_back({std::move(csv), std::move(record)});
  }
  std::ranges::sort(found, {}, &FoundResults::csv);
  if (found.size() > 1) {
    fail("{}: holds the results of several analyses: name one of them, such as {} or {}",
         path_text(folder), path_text(found[0].csv), path_text(found[1].csv));
  }
  if (found.size() == 1) return std::move(found.front());
  if (fs::is_regular_file(folder / kDefaultTable, error)) return {folder / kDefaultTable, {}};
  fail("{}: expected the results of an analysis, found no {}", path_text(folder), kDefaultTable);
}

}  // namespace

FoundResults find_results(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return find_in_folder(path);
  if (!fs::exists(path, error)) fail("{}: there is no such file or folder", path_text(path));
  if (auto record = read_record(path)) {
    return {path.parent_path() / table_name(*record, "heads"), std::move(record)};
  }
  auto record = read_record(path.string() + ".json");
  if (record && table_name(*record, "heads") != path.filename().string()) record.reset();
  return {path, std::move(record)};
}

std::string table_name(const json& record, const char* table) {
  const json& tables = record["tables"];
  return tables.contains(table) && tables[table].is_string() ? tables[table].get<std::string>()
                                                             : "";
}

}  // namespace qk
