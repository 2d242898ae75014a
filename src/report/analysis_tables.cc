#include "report/analysis_tables.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr size_t kMostRecordBytes = size_t{64} << 20;

// The record, if the file is one and names the table; else null.
json record_of(const fs::path& file, const std::string& table) {
  try {
    json record = json::parse(read_file(file, kMostRecordBytes));
    if (record.at("program") != "qkscope") return nullptr;
    const json& tables = record.at("tables");
    const auto is_named = [&](const json& name) { return name == table; };
    if (!tables.is_object() || std::none_of(tables.begin(), tables.end(), is_named)) return nullptr;
    return record;
  } catch (const json::exception&) {  // another kind of file
    return nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

std::vector<json> records_of(const fs::path& csv) {
  const fs::path folder = csv.has_parent_path() ? csv.parent_path() : fs::path(".");
  std::vector<json> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& file = it->path();
    std::error_code ignored;
    if (file.extension() != ".json" || !fs::exists(folder / file.stem(), ignored)) continue;
    json record = record_of(file, csv.filename().string());
    if (!record.is_null()) out.push_back(std::move(record));
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
