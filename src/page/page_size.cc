#include "page/page_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr std::string_view kDetails = "details";
constexpr std::array<std::string_view, 3> kIntervals = {"ci_low", "ci_high", "std_error"};

std::string mebibytes(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

bool is_named(const std::string& name, std::string_view table) {
  return name.size() > table.size() && name.ends_with(table) &&
         name[name.size() - table.size() - 1] == '/';
}

// Whether there were intervals to leave out.
bool drop_cell_intervals(NamedTables& tables) {
  size_t num_dropped = 0;
  for (auto& [name, table] : tables) {
    if (!is_named(name, kDetails)) continue;
    num_dropped += std::erase_if(table.columns, [](const auto& column) {
      return std::ranges::find(kIntervals, column.first) != kIntervals.end();
    });
  }
  return num_dropped > 0;
}

// Different values of an integer column.
size_t num_values(const Column& column) {
  const size_t item = bytes_of(column.type);
  std::set<std::string_view> seen;
  const auto* bytes = reinterpret_cast<const char*>(column.items.data());
  for (size_t at = 0; at < column.items.size(); at += item) seen.emplace(bytes + at, item);
  return seen.size();
}

size_t most_query_buckets(const NamedTables& tables) {
  size_t most = 0;
  for (const auto& [name, table] : tables) {
    if (!is_named(name, kDetails)) continue;
    for (const auto& [column_name, column] : table.columns) {
      if (column_name == "q_bucket") most = std::max(most, num_values(column));
    }
  }
  return most;
}

// The most items of a row of any column of points.
size_t most_points(const NamedTables& points) {
  size_t most = 0;
  for (const auto& [name, table] : points) {
    if (!is_named(name, "rows")) continue;
    for (const auto& column : table.columns) most = std::max(most, column.second.width);
  }
  return most;
}

std::string packed_tables(const PageData& data) {
  nlohmann::ordered_json directory = data.directory;
  directory["notes"] = data.notes;
  return packed_container(container(std::move(directory), data.tables));
}

std::string packed_points(const PageData& data) {
  if (data.points.empty()) return "";
  return packed_container(container({{"format", 1}}, data.points));
}

int64_t size_of(const std::string& tables, const std::string& points) {
  return std::ssize(tables) + std::ssize(points);
}

// The first `count` items of each row.
Column with_first_items(const Column& column, size_t count) {
  Column out{.type = column.type, .width = count, .items = {}, .strings = column.strings};
  const size_t row_bytes = bytes_of(column.type) * column.width;
  const auto kept = static_cast<std::ptrdiff_t>(bytes_of(column.type) * count);
  for (size_t row = 0; row < column.items.size(); row += row_bytes) {
    const auto begin = column.items.begin() + static_cast<std::ptrdiff_t>(row);
    out.items.insert(out.items.end(), begin, begin + kept);
  }
  if (!column.strings) return out;
  // Texts that no item is left of do not stay.
  Column texts = text_column(texts_of(out));
  texts.width = count;
  return texts;
}

}  // namespace

void thin_points(NamedTables& points, size_t most) {
  const size_t count = most_points(points);
  if (count <= most) return;
  for (auto& [name, table] : points) {
    for (auto& [column_name, column] : table.columns) {
      // A plane has two items for each point.
      const size_t items = is_named(name, "rows") ? most : 2 * most;
      if (column.width > items) column = with_first_items(column, items);
    }
  }
}

PackedData pack_within(PageData data, int64_t max_bytes, int64_t blank_bytes) {
  const int64_t most = max_bytes - blank_bytes;
  const std::string limit =
      fmt::format("so that the page is not larger than {} (--max-size)", mebibytes(max_bytes));
  const bool has_many = most_query_buckets(data.tables) > kMostBucketsWithIntervals;
  if (has_many && drop_cell_intervals(data.tables)) {
    data.notes.push_back(fmt::format(
        "The intervals of single cells were left out, since there are more than {} query "
        "buckets; those of curves and of heads are here.",
        kMostBucketsWithIntervals));
  }
  std::string points = packed_points(data);
  std::string tables = packed_tables(data);
  const size_t all_points = most_points(data.points);
  size_t num_points = all_points;
  while (size_of(tables, points) > most && num_points > kFewestPoints) {
    const int64_t left = std::max<int64_t>(most - std::ssize(tables), 0);
    const double part = static_cast<double>(left) / static_cast<double>(points.size());
    const auto fitting = static_cast<size_t>(part * 0.97 * static_cast<double>(num_points));
    num_points = std::max(fitting, kFewestPoints);
    thin_points(data.points, num_points);
    points = packed_points(data);
  }
  if (num_points < all_points) {
    data.notes.push_back(
        fmt::format("Of the {} sampled queries and keys of a head {} are shown, {}.", all_points,
                    num_points, limit));
    tables = packed_tables(data);
  }
  if (size_of(tables, points) > most && drop_cell_intervals(data.tables)) {
    data.notes.push_back(fmt::format("The intervals of single cells were left out, {}.", limit));
    tables = packed_tables(data);
  }
  if (size_of(tables, points) > most) {
    fail(
        "the page takes {}, more than --max-size allows ({}): --heads chooses some of the heads, such "
        "as --heads 'l00*,l12h03'",
        mebibytes(size_of(tables, points) + blank_bytes), mebibytes(max_bytes));
  }
  return {std::move(tables), std::move(points), std::move(data.notes)};
}

}  // namespace qk
