#include "page/page_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/thread_pool.h"

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

std::string table_bytes(const PageData& data, const std::vector<std::string>& notes) {
  nlohmann::ordered_json directory = data.directory;
  directory["notes"] = notes;
  return container(std::move(directory), data.tables);
}

std::string point_bytes(const NamedTables& points) {
  return points.empty() ? "" : container({{"format", 1}}, points);
}

// About the bytes of the packed container: from blocks of it, so that all kinds of columns are in
// the sample. They are a prime apart: at multiples of 2^n, long columns could show the same byte of
// their items each time.
double estimated_size(std::string_view bytes) {
  constexpr size_t kBlock = 1 << 14;
  constexpr size_t kStep = 130'003;
  if (bytes.size() < 4 * kStep) {
    return bytes.empty() ? 0 : static_cast<double>(packed_container(bytes).size());
  }
  std::string sample;
  for (size_t at = 0; at < bytes.size(); at += kStep) sample += bytes.substr(at, kBlock);
  const auto packed = static_cast<double>(packed_container(sample).size());
  return packed * static_cast<double>(bytes.size()) / static_cast<double>(sample.size());
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

// Tries until the data fit. Each attempt packs all. The first one is chosen by estimates, so it is
// mostly the last, unless all data take about as much as there is room for.
class Fitting {
 public:
  Fitting(PageData data, int64_t max_bytes, int64_t blank_bytes)
      : data_(std::move(data)),
        max_bytes_(max_bytes),
        blank_bytes_(blank_bytes),
        all_points_(most_points(data_.points)),
        points_size_(estimated_size(point_bytes(data_.points))) {}

  PackedData run() {
    estimate_tables();
    constexpr double kUnsure = 0.15;  // of an estimate, either way
    if ((1 - kUnsure) * (tables_size_ + size_of_points(fewest())) > room()) drop_intervals();
    const bool is_enough = (1 - kUnsure) * (tables_size_ + points_size_) <= room();
    size_t count = is_enough ? all_points_ : fitting_points(0.99);
    for (double part = 0.97;; part *= 0.97) {
      PackedData out = pack(count);
      const auto size = out.tables.size() + out.points.size();
      if (static_cast<double>(size) <= room()) return out;
      tables_size_ = static_cast<double>(out.tables.size());
      if (count > fewest()) {
        points_size_ = static_cast<double>(out.points.size()) * static_cast<double>(all_points_) /
                       static_cast<double>(count);
        count = std::min(count - 1, fitting_points(part));
      } else if (drop_intervals()) {
        count = fitting_points(part);
      } else {
        refuse(size);
      }
    }
  }

 private:
  double room() const { return static_cast<double>(max_bytes_ - blank_bytes_); }
  size_t fewest() const { return std::min(kFewestPoints, all_points_); }
  double size_of_points(size_t count) const {
    return all_points_ == 0
               ? 0
               : points_size_ * static_cast<double>(count) / static_cast<double>(all_points_);
  }

  // In this part of what is left beside the tables.
  size_t fitting_points(double part) const {
    if (all_points_ == 0) return 0;
    const double count = part * (room() - tables_size_) / size_of_points(1);
    return std::clamp(static_cast<size_t>(std::max(count, 0.0)), fewest(), all_points_);
  }

  void estimate_tables() { tables_size_ = estimated_size(table_bytes(data_, data_.notes)); }

  bool drop_intervals() {
    if (!drop_cell_intervals(data_.tables)) return false;
    has_dropped_ = true;
    estimate_tables();
    return true;
  }

  std::string limit() const {
    return fmt::format("so that the page is not larger than {} (--max-size)",
                       mebibytes(max_bytes_));
  }

  PackedData pack(size_t num_points) const {
    PackedData out;
    out.notes = data_.notes;
    if (num_points < all_points_) {
      out.notes.push_back(
          fmt::format("Of the {} sampled queries and keys of a head {} are shown, {}.", all_points_,
                      num_points, limit()));
    }
    if (has_dropped_) {
      out.notes.push_back(fmt::format("The intervals of single cells were left out, {}.", limit()));
    }
    ThreadPool threads;
    threads.parallel_for(2, [&](int64_t part, int) {
      if (part == 0) {
        out.tables = packed_container(table_bytes(data_, out.notes));
      } else if (!data_.points.empty()) {
        NamedTables points = data_.points;
        thin_points(points, num_points);
        out.points = packed_container(point_bytes(points));
      }
    });
    return out;
  }

  [[noreturn]] void refuse(size_t size) const {
    fail(
        "the page takes {}, more than --max-size allows ({}): --heads chooses some of the heads, such "
        "as --heads 'l00*,l12h03'",
        mebibytes(static_cast<int64_t>(size) + blank_bytes_), mebibytes(max_bytes_));
  }

  PageData data_;
  int64_t max_bytes_;
  int64_t blank_bytes_;
  size_t all_points_;   // of a head
  double points_size_;  // of all of them, packed
  double tables_size_ = 0;
  bool has_dropped_ = false;  // the intervals of cells
};

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
  const bool has_many = most_query_buckets(data.tables) > kMostBucketsWithIntervals;
  if (has_many && drop_cell_intervals(data.tables)) {
    data.notes.push_back(fmt::format(
        "The intervals of single cells were left out, since there are more than {} query "
        "buckets; those of curves and of heads are here.",
        kMostBucketsWithIntervals));
  }
  return Fitting(std::move(data), max_bytes, blank_bytes).run();
}

}  // namespace qk
