// The tables with which an analysis says how sure its numbers are, as figures need them
// (docs/analysis.md, "What comes out"). Rows without a value are left out. All readers throw Error
// as those of figure_tables.h do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heads/head_id.h"
#include "report/figure_positions.h"

namespace qk {

using LowHigh = std::pair<double, double>;  // of a confidence interval

// A row of head_bucket_details.csv.
struct CellRow {
  HeadId head;
  std::string method;
  int64_t q_bucket = 0;
  int64_t k_bucket = 0;
  BucketBounds q_bounds;
  BucketBounds k_bounds;
  double documents = 0;  // of its pairs
  double plasticity = 0;
};
std::vector<CellRow> read_cell_rows(const std::filesystem::path& path);

// Whether the table has the columns of head_bucket_details.csv.
bool is_detail_table(const std::filesystem::path& path);

struct TablePoint {
  int64_t bucket = 0;  // or, of a curve over distance, a difference of buckets
  double center = 0;   // tokens
  BucketBounds bounds;
  double value = 0;
  std::optional<LowHigh> interval;
  double documents = 0;
  double num_heads = 0;  // that it is the mean of
};

// One curve of mean_curves.csv.
struct TableCurve {
  std::string curve;  // "position" or "distance"
  std::string heads;  // "all", "full_attention", "window_512", ...
  std::string method;
  std::optional<int64_t> reach;    // only documents that reach this bucket; absent: all
  std::vector<TablePoint> points;  // buckets increasing
};
// In the order of the file.
std::vector<TableCurve> read_mean_curves(const std::filesystem::path& path);

// A row of head_trends.csv, of all documents.
struct TrendRow {
  HeadId head;
  std::string method;
  std::string trend;  // "position", "distance" or "curve"
  double slope = 0;
  std::optional<LowHigh> interval;
};
std::vector<TrendRow> read_trend_rows(const std::filesystem::path& path);

// A row of head_positions.csv, of all documents.
struct PositionRow {
  HeadId head;
  std::string method;
  int64_t q_bucket = 0;
  BucketBounds bounds;
  double documents = 0;
};
std::vector<PositionRow> read_position_rows(const std::filesystem::path& path);

// The sliding window of each head [tokens] of head_diagnostics.csv; absent: it has none.
std::map<HeadId, std::optional<int64_t>> read_windows(const std::filesystem::path& path);

// A row of head_rope_pairs.csv.
struct RopePairRow {
  HeadId head;
  std::string rope_set;
  double wavelength = 0;  // tokens, > 0
  double value = 0;       // of the column that was asked for
  std::optional<double> floor;
};
// `column`: position_share, line_R2 or bucket_R2.
std::vector<RopePairRow> read_rope_pair_rows(const std::filesystem::path& path,
                                             const std::string& column);

}  // namespace qk
