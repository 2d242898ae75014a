// Attention plasticity over the position of the query: a thin line for each head, a bold one for
// their mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/detail_tables.h"
#include "report/figure_drawing.h"
#include "report/figure_positions.h"
#include "report/figure_tables.h"

namespace qk {

// Plasticity by query bucket, buckets increasing.
using BucketCurve = std::vector<std::pair<int64_t, double>>;

struct HeadCurve {
  HeadId head;
  BucketCurve curve;
};

// The mean over a head's rows of each query bucket; heads in (layer, q_head, k_head) order.
std::vector<HeadCurve> head_curves(std::span<const HeadBucketRow> rows);

// The mean over the heads that have the bucket.
BucketCurve mean_curve(std::span<const HeadCurve> heads);

// Slope of the least-squares line of plasticity over the buckets' middles [1/token]; 0 for fewer
// than two buckets.
double curve_slope(const BucketCurve& curve, const BucketScale& scale);

enum class LineColors : uint8_t { kOne, kByLayer, kByTrend };

struct PlasticityOptions {
  BucketScale scale;
  bool is_log_axis = false;  // positions > 0 only
  // Opacity of a head's line, 0 to 1; absent: 0.25, and less with more than 400 heads, so that many
  // lines do not merge into one.
  std::optional<double> alpha;
  double line_width = 0.8;  // of a head's line, points, > 0
  std::string model_name;   // appended to the title, if not empty
  LineColors colors = LineColors::kOne;
  // kByTrend: slope [1/token] above which a head rises, > 0; absent: that of a line which changes by
  // 0.05 over all positions of the figure.
  std::optional<double> trend_threshold;
  std::string cmap = "viridis";  // kByLayer
};

// Trends by error bars: a head rises or falls if the interval of its slope excludes 0.
struct SlopeIntervals {
  std::map<HeadId, LowHigh> by_head;  // heads without an interval are missing
  std::string name;                   // "position", "distance" or "curve"
};

// What an analysis tells beyond the heads' curves; all of it may be empty.
struct PlasticityDetails {
  std::vector<TableCurve>
      means;  // in place of the mean of the heads; the first one is the main one
  std::vector<TableCurve> reaching;     // of the documents that reach a bucket
  std::map<int64_t, double> documents;  // by query bucket
  double min_documents = 5;             // buckets with fewer are thin
  double confidence = 0;                // of the bands; 0: not known
  std::optional<SlopeIntervals> slopes;
  std::string caption;  // begins it
};

struct TrendCounts {
  int64_t rising = 0;
  int64_t falling = 0;
  int64_t flat = 0;
};

// By `slopes`, if there are any, else by the options' threshold.
TrendCounts count_trends(std::span<const HeadCurve> heads, const PlasticityOptions& options,
                         const std::optional<SlopeIntervals>& slopes = {});

// Throws Error: an unknown colour map, a bucket that the axis cannot show. REQUIRES: heads, or a
// mean.
Figure plasticity_figure(std::span<const HeadCurve> heads, const PlasticityOptions& options,
                         const PlasticityDetails& details = {});

}  // namespace qk
