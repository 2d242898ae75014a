#include "report/record_file.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json_value.h"
#include "base/path_text.h"
#include "report/csv_table_reader.h"

namespace qk {

namespace fs = std::filesystem;
using nlohmann::json;

std::optional<json> read_record(const fs::path& file) {
  constexpr size_t kLargestRecord = size_t{256} << 20;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  json out = json::parse(read_file(file, kLargestRecord), nullptr, false);
  if (value_at(out, {"program"}) != "qkscope" || !value_at(out, {"tables"}).is_object()) return {};
  return out;
}

bool names_table(const json& record, const std::string& table) {
  const json tables = value_at(record, {"tables"});
  return std::ranges::any_of(tables, [&](const json& name) { return name == table; });
}

void refuse_half_replaced(const fs::path& table, const fs::path& record) {
  std::error_code error;
  const fs::path temporary = temporary_of(record);
  // It is empty until the tables are replaced.
  if (fs::exists(record, error) || !(fs::file_size(temporary, error) > 0) || error) return;
  fail(
      "{}: expected the tables of one analysis, found those of an analysis that has not ended "
      "replacing them ({} is there): run it again with --overwrite",
      path_text(table), path_text(temporary.filename()));
}

void refuse_cut_table(const fs::path& table, const json& record) {
  const int64_t found = count_whole_rows(table);
  const json tables = value_at(record, {"tables"});
  for (const auto& [key, name] : tables.items()) {
    if (name != table.filename().string()) continue;
    const json expected = value_at(record, {"rows", key.c_str()});
    if (!expected.is_number_integer() || expected == found) continue;
    fail("{}: expected {} rows, which its record counts, found {}", path_text(table),
         expected.get<int64_t>(), found);
  }
}

}  // namespace qk
