#include "page/read_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/path_text.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

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

size_t num_rows_of(const NumberTable& table) {
  if (!table.columns.empty()) return table.columns.begin()->second.size();
  return table.texts.empty() ? 0 : table.texts.begin()->second.size();
}

}  // namespace

PageFile file_of(const fs::path& path, std::string_view table) {
  return {.name = path.filename().string(),
          .bytes = static_cast<int64_t>(fs::file_size(path)),
          .sha256 = sha256_file(path),
          .table = std::string(table)};
}

std::set<HeadId> read_all_heads(const fs::path& path) {
  const NumberTable table = read_whole_table(path, cell_kind);
  require_columns(path, table, table_kinds().front());
  return heads_of(path, table);
}

ReadTable read_page_table(const fs::path& path, const TableKind& kind,
                          const std::set<HeadId>& heads, const HeadChoice& choice) {
  ReadTable out;
  out.file = file_of(path, kind.name);
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

}  // namespace qk
