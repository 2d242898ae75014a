#include "page/page_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/path_text.h"
#include "base/thread_pool.h"
#include "page/table_kinds.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array<std::string_view, 3> kHead = {"layer", "q_head", "k_head"};

void require_columns(const fs::path& path, const NumberTable& table, const TableKind& kind) {
  std::vector<std::string_view> wanted = kind.required;
  if (kind.is_per_head) wanted.insert(wanted.begin(), kHead.begin(), kHead.end());
  for (const std::string_view column : wanted) {
    if (table.has(column) || table.texts.contains(column)) continue;
    fail("{}: expected the columns of {}, found no column {} (it has {})", path_text(path),
         kind.file, column, printable(fmt::format("{}", fmt::join(table.header, ", ")), 300));
  }
}

int64_t index_at(const fs::path& path, const NumberTable& table, std::string_view column,
                 size_t row) {
  constexpr double kMost = 1e9;
  const double value = table[column][row];
  if (value >= 0 && value <= kMost && value == std::floor(value)) {
    return static_cast<int64_t>(value);
  }
  fail("{}: row {}: {}: expected a whole number of at most 10^9, found {}", path_text(path),
       row + 1, column, std::isnan(value) ? "nothing" : fmt::format("{}", value));
}

HeadId head_at(const fs::path& path, const NumberTable& table, size_t row) {
  return {index_at(path, table, "layer", row), index_at(path, table, "q_head", row),
          index_at(path, table, "k_head", row)};
}

std::string head_text(const HeadId& head) {
  return fmt::format("layer {}, query head {}, key head {}", head.layer, head.q_head, head.k_head);
}

std::set<HeadId> heads_of(const fs::path& path, const NumberTable& table) {
  std::set<HeadId> out;
  std::set<std::pair<int64_t, int64_t>> names;
  for (size_t row = 0; row < table["layer"].size(); ++row) {
    const HeadId head = head_at(path, table, row);
    if (!names.emplace(head.layer, head.q_head).second) {
      fail("{}: row {}: layer {}, query head {} occurs twice", path_text(path), row + 1, head.layer,
           head.q_head);
    }
    out.insert(head);
  }
  if (out.empty()) fail("{}: has no heads", path_text(path));
  return out;
}

struct ChosenRows {
  std::vector<size_t> rows;
  std::set<HeadId> heads;  // that have one
};

// Rows of heads that are shown.
ChosenRows chosen_rows(const fs::path& path, const NumberTable& table,
                       const std::set<HeadId>& heads, const HeadChoice& choice) {
  ChosenRows out;
  HeadId last{-1, -1, -1};
  bool is_chosen = false;
  for (size_t row = 0; row < table["layer"].size(); ++row) {
    const HeadId head = head_at(path, table, row);
    if (head != last) {
      if (!heads.contains(head)) {
        fail("{}: row {}: expected a head of the table of the heads, found {}", path_text(path),
             row + 1, head_text(head));
      }
      is_chosen = choice.has(head);
      if (is_chosen) out.heads.insert(head);
      last = head;
    }
    if (is_chosen) out.rows.push_back(row);
  }
  return out;
}

// What tells a row from the others, as one number.
class RowKeys {
 public:
  RowKeys(const NumberTable& table, const TableKind& kind) {
    std::vector<std::string_view> columns = kind.keys;
    if (kind.is_per_head) columns.insert(columns.end(), kHead.begin(), kHead.end());
    for (const std::string_view column : columns) {
      if (table.has(column)) numbers_.push_back(&table[column]);
      const auto text = table.texts.find(column);
      if (text != table.texts.end()) texts_.push_back(&text->second);
    }
  }
  uint64_t of(size_t row) {
    bytes_.clear();
    for (const auto* column : numbers_) {
      const double value = (*column)[row];
      const auto bits = std::bit_cast<std::array<char, 8>>(std::isnan(value) ? -1.0 : value);
      bytes_.append(bits.data(), bits.size());
    }
    for (const auto* column : texts_) bytes_.append((*column)[row]).push_back('\0');
    return xxh3_64(std::as_bytes(std::span(bytes_)));
  }

 private:
  std::vector<const std::vector<double>*> numbers_;
  std::vector<const std::vector<std::string>*> texts_;
  std::string bytes_;
};

void refuse_equal_rows(const fs::path& path, const NumberTable& table, const TableKind& kind,
                       size_t num_rows) {
  RowKeys keys(table, kind);
  std::vector<std::pair<uint64_t, size_t>> all(num_rows);
  for (size_t row = 0; row < num_rows; ++row) all[row] = {keys.of(row), row};
  std::ranges::sort(all);
  const auto twice = std::ranges::adjacent_find(all, {}, &std::pair<uint64_t, size_t>::first);
  if (twice == all.end()) return;
  const auto names = kind.is_per_head ? "layer, q_head, k_head" : "";
  fail("{}: rows {} and {} are about the same ({}{}{})", path_text(path), twice->second + 1,
       (twice + 1)->second + 1, names, kind.is_per_head && !kind.keys.empty() ? ", " : "",
       fmt::join(kind.keys, ", "));
}

Column encoded(const TableKind& kind, std::string_view name, const std::vector<double>& values) {
  const bool is_shown_as_it_is = kind.has_metrics && !is_count(name);
  return is_shown_as_it_is ? float_column(values, FloatType::kF64) : number_column(values);
}

template <typename Value>
std::vector<Value> rows_of(const std::vector<Value>& values, const std::vector<size_t>& rows) {
  std::vector<Value> out;
  out.reserve(rows.size());
  for (const size_t row : rows) out.push_back(values[row]);
  return out;
}

Table encoded(const TableKind& kind, const NumberTable& table, const std::vector<size_t>& rows) {
  Table out;
  out.num_rows = rows.size();
  for (const std::string& name : table.header) {
    if (table.has(name)) {
      out.columns.emplace_back(name, encoded(kind, name, rows_of(table[name], rows)));
    } else if (const auto text = table.texts.find(name); text != table.texts.end()) {
      out.columns.emplace_back(name, text_column(rows_of(text->second, rows)));
    }
  }
  return out;
}

struct ReadTable {
  Table table;
  PageFile file;
  size_t num_heads = 0;  // with rows
};

PageFile file_of(const fs::path& path) {
  return {.name = path.filename().string(),
          .bytes = static_cast<int64_t>(fs::file_size(path)),
          .sha256 = sha256_file(path)};
}

size_t num_rows_of(const NumberTable& table) {
  if (!table.columns.empty()) return table.columns.begin()->second.size();
  return table.texts.empty() ? 0 : table.texts.begin()->second.size();
}

ReadTable read_table_of(const fs::path& path, const TableKind& kind, const std::set<HeadId>& heads,
                        const HeadChoice& choice) {
  ReadTable out;
  out.file = file_of(path);
  const NumberTable table = read_whole_table(path, cell_kind);
  require_columns(path, table, kind);
  refuse_equal_rows(path, table, kind, num_rows_of(table));
  std::vector<size_t> rows;
  if (kind.is_per_head) {
    ChosenRows chosen = chosen_rows(path, table, heads, choice);
    rows = std::move(chosen.rows);
    out.num_heads = chosen.heads.size();
  } else {
    rows.resize(num_rows_of(table));
    for (size_t row = 0; row < rows.size(); ++row) rows[row] = row;
  }
  out.table = encoded(kind, table, rows);
  return out;
}

json value_or_null(const json& object, const char* key) {
  return object.is_object() && object.contains(key) ? object[key] : json();
}

// "qkscope analyze DATASET --method bucket,counted --error_bars jackknife"
std::string command_for(const TableKind& kind, const std::optional<json>& record) {
  std::string methods;
  const json all = record ? value_or_null(*record, "methods") : json();
  for (const json& method : all.is_array() ? all : json::array()) {
    const std::string name = method.is_string() ? method.get<std::string>() : "";
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos) continue;
    methods += (methods.empty() ? "" : ",") + name;
  }
  return fmt::format("qkscope analyze DATASET{}{}{}", methods.empty() ? "" : " --method " + methods,
                     kind.options.empty() ? "" : " ", kind.options);
}

// A record that is damaged is no reason to go on without it.
void refuse_lost_record(const FoundResults& found) {
  const fs::path file = found.csv.string() + ".json";
  std::error_code error;
  if (found.record || !fs::exists(file, error)) return;
  fail("{}: expected the record of the analysis of {}, found something else", path_text(file),
       path_text(found.csv.filename()));
}

void refuse_lost_heads(const FoundResults& found, size_t num_heads) {
  if (!found.record) return;
  const json measured = value_or_null(value_or_null(*found.record, "heads"), "measured");
  if (!measured.is_number_integer() || measured == num_heads) return;
  fail("{}: expected {} heads, which its record counts, found {}", path_text(found.csv),
       measured.get<int64_t>(), num_heads);
}

void add_lost_rows(const ReadTable& read, std::span<const HeadId> heads, PageAnalysis& out) {
  const size_t lost = heads.size() - read.num_heads;
  if (lost == 0) return;
  out.notes.push_back(fmt::format("{} has no rows of {} of the {} heads of {}.", read.file.name,
                                  lost, heads.size(), out.name));
}

}  // namespace

fs::path find_table(const FoundResults& found, const char* record, std::string_view file) {
  const fs::path folder = found.csv.parent_path();
  std::error_code error;
  if (found.record && !table_name(*found.record, record).empty()) {
    const fs::path path = folder / fs::path(table_name(*found.record, record)).filename();
    return fs::exists(path, error) ? path : fs::path();
  }
  for (const char* suffix : {"", ".gz", ".zst"}) {
    const fs::path path = folder / (std::string(file) + suffix);
    if (!found.record && fs::exists(path, error)) return path;
  }
  return {};
}

std::string default_name(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::is_directory(path, error) ? path : fs::path(path).parent_path();
  fs::path whole = fs::weakly_canonical(folder.empty() ? "." : folder, error);
  const std::string name = error ? "" : whole.filename().string();
  return name.empty() ? "analysis" : name;
}

PageAnalysis read_page_analysis(const fs::path& path, const std::string& name,
                                const HeadChoice& choice) {
  PageAnalysis out;
  out.name = name;
  out.found = find_results(path);
  refuse_lost_record(out.found);
  const std::span<const TableKind> kinds = table_kinds();
  const NumberTable head_table = read_whole_table(out.found.csv, cell_kind);
  require_columns(out.found.csv, head_table, kinds.front());
  const std::set<HeadId> heads = heads_of(out.found.csv, head_table);
  refuse_lost_heads(out.found, heads.size());
  out.num_heads = std::ssize(heads);
  choice.refuse_unknown({heads.begin(), heads.end()});
  std::ranges::copy_if(heads, std::back_inserter(out.heads),
                       [&](const HeadId& head) { return choice.has(head); });

  std::vector<fs::path> paths;
  for (const TableKind& kind : kinds) {
    paths.push_back(find_table(out.found, kind.record, kind.file));
    if (paths.back().empty() && kind.name == "components" && !out.found.record) {
      paths.back() = find_table(out.found, kind.record, "head_component_information.csv");
    }
  }
  paths.front() = out.found.csv;
  std::vector<std::optional<ReadTable>> read(kinds.size());
  ThreadPool threads;
  threads.parallel_for(std::ssize(kinds), [&](int64_t i, int) {
    const auto at = static_cast<size_t>(i);
    if (!paths[at].empty()) read[at] = read_table_of(paths[at], kinds[at], heads, choice);
  });
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (!read[i]) {
      out.missing.push_back({std::string(kinds[i].file), command_for(kinds[i], out.found.record)});
      continue;
    }
    if (kinds[i].is_per_head) add_lost_rows(*read[i], out.heads, out);
    out.files.push_back(std::move(read[i]->file));
    out.tables.emplace_back(kinds[i].name, std::move(read[i]->table));
  }
  return out;
}

}  // namespace qk
