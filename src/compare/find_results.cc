#include "compare/find_results.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "base/path_text.h"
#include "report/record_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A record that tells which file is the table of the heads, or nothing.
std::optional<json> heads_record(const fs::path& file) {
  auto out = read_record(file);
  if (out && !(*out)["tables"].contains("heads")) out.reset();
  return out;
}

// A record that is damaged, or of another table, is no reason to go on without it.
FoundResults without_record(fs::path csv) {
  const fs::path file = csv.string() + ".json";
  std::error_code error;
  if (const auto record = heads_record(file)) {
    fail(
        "{}: expected the record of {}, found that of {}: give both their names again, or remove it",
        path_text(file), path_text(csv.filename()), printable(table_name(*record, "heads")));
  }
  if (fs::exists(file, error)) {
    fail("{}: expected the record of the analysis of {}, found something else", path_text(file),
         path_text(csv.filename()));
  }
  refuse_half_replaced(csv, file);
  return {std::move(csv), {}};
}

FoundResults find_in_folder(const fs::path& folder) {
  std::vector<FoundResults> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    auto record = heads_record(it->path());
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
  if (fs::is_regular_file(folder / kDefaultTable, error))
    return without_record(folder / kDefaultTable);
  fail("{}: expected the results of an analysis, found no {}", path_text(folder), kDefaultTable);
}

}  // namespace

FoundResults find_results(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return find_in_folder(path);
  if (!fs::exists(path, error)) fail("{}: there is no such file or folder", path_text(path));
  if (auto record = heads_record(path)) {
    return {path.parent_path() / table_name(*record, "heads"), std::move(record)};
  }
  if (path.extension() == ".json") {
    fail("{}: expected the record of an analysis, found something else", path_text(path));
  }
  auto record = heads_record(path.string() + ".json");
  if (record && table_name(*record, "heads") == path.filename().string()) {
    return {path, std::move(record)};
  }
  return without_record(path);
}

void refuse_lost_heads(const FoundResults& found, size_t num_heads) {
  if (!found.record) return;
  const json measured = value_at(*found.record, {"heads", "measured"});
  if (!measured.is_number_integer() || measured == num_heads) return;
  fail("{}: expected {} heads, which its record counts, found {}", path_text(found.csv),
       measured.get<int64_t>(), num_heads);
}

std::string table_name(const json& record, const char* table) {
  const json& tables = record["tables"];
  return tables.contains(table) && tables[table].is_string() ? tables[table].get<std::string>()
                                                             : "";
}

}  // namespace qk
