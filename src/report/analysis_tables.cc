#include "report/analysis_tables.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "report/record_file.h"

namespace qk {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// A file that is named as the record of a CSV file may be damaged, and then nobody knows which tables
// it was about. JSON of another kind is none of ours.
void refuse_damaged(const fs::path& file) {
  std::error_code error;
  if (file.stem().string().find(".csv") == std::string::npos) return;
  if (!fs::is_regular_file(file, error) || json::accept(read_file(file))) return;
  fail("{}: expected the record of the analysis of {}, found something else", path_text(file),
       path_text(file.stem()));
}

void refuse_half_replaced_by(const fs::path& temporary, const fs::path& csv) {
  const auto record = read_record(temporary);
  if (!record || !names_table(*record, csv.filename().string())) return;
  refuse_half_replaced(csv, fs::path(temporary).replace_extension());
}

// The records beside the table that name it.
std::vector<json> records_of(const fs::path& csv) {
  const fs::path folder = csv.has_parent_path() ? csv.parent_path() : fs::path(".");
  std::vector<json> out;
  std::vector<fs::path> unfinished;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path file = csv.parent_path() / it->path().filename();
    std::error_code ignored;
    if (file.extension() == ".tmp" && file.stem().extension() == ".json") {
      unfinished.push_back(file);
    }
    if (file.extension() != ".json" || !fs::exists(folder / file.stem(), ignored)) continue;
    auto record = read_record(file);
    if (!record) refuse_damaged(file);
    if (record && names_table(*record, csv.filename().string())) out.push_back(*std::move(record));
  }
  for (const fs::path& file : unfinished) {
    if (out.empty()) refuse_half_replaced_by(file, csv);
  }
  return out;
}

std::vector<std::string> methods_of(const json& record) {
  std::vector<std::string> out;
  const auto methods = record.find("methods");
  if (methods != record.end() && methods->is_array()) {
    for (const json& method : *methods) {
      if (method.is_string()) out.push_back(method.get<std::string>());
    }
  }
  const auto method = record.find("method");
  if (out.empty() && method != record.end() && method->is_string()) {
    out.push_back(method->get<std::string>());
  }
  return out;
}

double confidence_of(const json& record) {
  const auto confidence = record.find("confidence");
  if (confidence == record.end() || !confidence->is_number()) return 0;  // no error bars
  return confidence->get<double>();
}

}  // namespace

void refuse_cut_table(const fs::path& table) {
  const std::vector<json> records = records_of(table);
  if (records.size() == 1) refuse_cut_table(table, records[0]);
}

AnalysisTables find_analysis_tables(const fs::path& csv) {
  AnalysisTables out;
  const std::vector<json> records = records_of(csv);
  out.is_contradictory = records.size() > 1;
  if (records.size() != 1) return out;
  const json& record = records[0];
  const std::array<std::pair<const char*, fs::path*>, 6> tables = {
      {{"details", &out.details},
       {"positions", &out.positions},
       {"trends", &out.trends},
       {"curves", &out.curves},
       {"diagnostics", &out.diagnostics},
       {"rope_pairs", &out.rope_pairs}}};
  for (const auto& [key, path] : tables) {
    const auto name = record.at("tables").find(key);
    if (name == record.at("tables").end() || !name->is_string()) continue;
    const fs::path file = csv.parent_path() / name->get<std::string>();
    std::error_code error;
    if (fs::exists(file, error)) *path = file;
  }
  out.methods = methods_of(record);
  out.confidence = confidence_of(record);
  return out;
}

}  // namespace qk
