#include "report/figure_plasticity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"

namespace qk {
namespace {

constexpr Rgb kHead = {0x1f, 0x77, 0xb4};
constexpr Rgb kMean = {0xff, 0x00, 0x00};
constexpr Rgb kWhite = {0xff, 0xff, 0xff};
constexpr double kMeanWidth = 2.5;  // points
constexpr double kLegendWidth = 1.5;
constexpr double kHaloWidth = 4.5;  // under the mean
constexpr double kHaloOpacity = 0.7;
constexpr double kTrendChange = 0.05;
constexpr double kPlasticityMargin = 0.05;  // of the data's extent, on both sides

struct Trend {
  const char* name;
  Rgb color;
  int64_t num_heads = 0;
};

// Rising, falling, flat.
using Trends = std::array<Trend, 3>;

size_t trend_of(double slope, double threshold) {
  if (slope > threshold) return 0;
  return slope < -threshold ? 1 : 2;
}

double default_alpha(size_t num_heads) {
  constexpr double kAlpha = 0.25;
  constexpr double kNumHeads = 400;
  constexpr double kFaintest = 0.1;
  return std::max(kFaintest, kAlpha * std::min(1.0, kNumHeads / static_cast<double>(num_heads)));
}

// The slope of a line that changes by kTrendChange over the positions of all heads, if none is
// given.
double trend_threshold(std::span<const HeadCurve> heads, const PlasticityOptions& options) {
  if (options.trend_threshold) return *options.trend_threshold;
  double first = INFINITY;
  double last = -INFINITY;
  for (const HeadCurve& head : heads) {
    for (const auto& [bucket, plasticity] : head.curve) {
      const double center = bucket_center(options.scale, bucket);
      first = std::min(first, center);
      last = std::max(last, center);
    }
  }
  return last > first ? kTrendChange / (last - first) : kTrendChange;
}

class Builder {
 public:
  Builder(std::span<const HeadCurve> heads, const PlasticityOptions& options)
      : heads_(heads),
        options_(options),
        cmap_(options.cmap),
        threshold_(trend_threshold(heads, options)) {
    for (const HeadCurve& head : heads) last_layer_ = std::max(last_layer_, head.head.layer);
  }

  Figure build() {
    figure_.width_in = 10;
    figure_.height_in = 6;
    figure_.title = "Per-bucket attention plasticity";
    if (!options_.model_name.empty()) figure_.title += " \u2014 " + options_.model_name;
    const double alpha = options_.alpha.value_or(default_alpha(heads_.size()));
    for (const HeadCurve& head : heads_) {
      add_line(head.curve, head_color(head), alpha, options_.line_width);
    }
    if (options_.colors == LineColors::kByTrend) {  // few rise or fall: over the many flat ones
      std::stable_partition(figure_.lines.begin(), figure_.lines.end(),
                            [&](const Line& line) { return line.color == trends_[2].color; });
    }
    add_line(mean_curve(heads_), kWhite, kHaloOpacity, kHaloWidth);
    add_line(mean_curve(heads_), kMean, 1, kMeanWidth);
    add_legend();
    add_axes();
    return std::move(figure_);
  }

 private:
  double x_of(int64_t bucket) const {
    const double center = bucket_center(options_.scale, bucket);
    if (!options_.is_log_axis) return center;
    if (center <= 0) fail("x_scale: log cannot show bucket {}, at position {}", bucket, center);
    return std::log2(center);
  }

  Rgb head_color(const HeadCurve& head) {
    switch (options_.colors) {
      case LineColors::kOne:
        return kHead;
      case LineColors::kByLayer:
        return cmap_.at(static_cast<double>(head.head.layer) / static_cast<double>(last_layer_));
      case LineColors::kByTrend:
        break;
    }
    const double slope = curve_slope(head.curve, options_.scale);
    Trend& trend = trends_[trend_of(slope, threshold_)];
    ++trend.num_heads;
    return trend.color;
  }

  void add_line(const BucketCurve& curve, Rgb color, double opacity, double width) {
    Line line = {{}, color, opacity, width};
    for (const auto& [bucket, plasticity] : curve) {
      line.points.emplace_back(x_of(bucket), plasticity);
    }
    // One bucket would be a line without length: a short dash instead.
    if (line.points.size() == 1) {
      const auto [x, y] = line.points[0];
      const double half = std::max(std::abs(x), 1.0) * 0.02;
      line.points = {{x - half, y}, {x + half, y}};
    }
    figure_.lines.push_back(std::move(line));
  }

  void add_legend() {
    const auto add = [&](std::string label, Rgb color, double width) {
      figure_.legend.push_back({std::move(label), color, width});
    };
    add("Mean across heads", kMean, kMeanWidth);
    if (options_.colors == LineColors::kOne) {
      add(fmt::format("One head ({} in all)", heads_.size()), kHead, kLegendWidth);
    } else if (options_.colors == LineColors::kByTrend) {
      for (const Trend& trend : trends_) {
        const char* heads = trend.num_heads == 1 ? "head" : "heads";
        add(fmt::format("{} ({} {})", trend.name, trend.num_heads, heads), trend.color,
            kLegendWidth);
      }
    } else {
      add_layer_bar();
    }
  }

  void add_layer_bar() {
    ColorBar bar = {"Layer", 0, static_cast<double>(last_layer_), cmap_.colors(),
                    std::vector<Tick>()};
    constexpr int64_t kMostTicks = 1000;
    const int64_t step = 1 + last_layer_ / kMostTicks;
    for (int64_t layer = 0; layer <= last_layer_; layer += step) {
      bar.ticks->push_back({static_cast<double>(layer), std::to_string(layer), layer});
    }
    figure_.color_bar = std::move(bar);
  }

  // The range of the lines with a margin.
  template <typename Get>
  void fit(Axis& axis, Get get) const {
    double low = INFINITY;
    double high = -INFINITY;
    for (const Line& line : figure_.lines) {
      for (const auto& point : line.points) {
        low = std::min(low, get(point));
        high = std::max(high, get(point));
      }
    }
    double margin = kPlasticityMargin * (high - low);
    if (!(margin > std::max(1e-12 * std::max(std::abs(low), std::abs(high)), 1e-100))) {
      margin = std::max(kPlasticityMargin * std::abs(low), kPlasticityMargin);
    }
    axis.low = low - margin;
    axis.high = high + margin;
    axis.grid = true;
  }

  void add_axes() {
    figure_.x.label = axis_name(options_.scale, "Position", "Query bucket");
    figure_.y.label = "Attention plasticity";
    fit(figure_.x, [](const auto& point) { return point.first; });
    fit(figure_.y, [](const auto& point) { return point.second; });
    if (options_.is_log_axis) {
      add_powers(figure_.x);
    } else if (options_.scale.type == BucketType::kNumber) {
      add_integers(figure_.x);
    }
  }

  // No ticks between buckets; of a longer axis all are integers anyway.
  static void add_integers(Axis& axis) {
    constexpr double kLong = 10;
    if (axis.high - axis.low > kLong) return;
    axis.ticks.emplace();
    const auto last = static_cast<int64_t>(std::floor(axis.high));
    for (auto at = static_cast<int64_t>(std::ceil(axis.low)); at <= last; ++at) {
      const auto position = static_cast<double>(at);
      axis.ticks->push_back({position, position_text(position), at});
    }
  }

  // A tick at every power of 2, of which there are at least two.
  static void add_powers(Axis& axis) {
    if (std::floor(axis.high) < std::ceil(axis.low) + 1) {
      axis.low = std::floor(axis.low);
      axis.high = std::ceil(axis.high);
    }
    axis.ticks.emplace();
    const auto last = static_cast<int64_t>(std::floor(axis.high));
    for (auto power = static_cast<int64_t>(std::ceil(axis.low)); power <= last; ++power) {
      const auto at = static_cast<double>(power);
      axis.ticks->push_back({at, position_text(std::exp2(at)), power});
    }
  }

  std::span<const HeadCurve> heads_;
  const PlasticityOptions& options_;
  Colormap cmap_;
  double threshold_;
  int64_t last_layer_ = 1;
  Trends trends_ = {{{"Rising", {0x2c, 0xa0, 0x2c}},
                     {"Falling", {0xd6, 0x27, 0x28}},
                     {"Flat", {0x7f, 0x7f, 0x7f}}}};
  Figure figure_;
};

BucketCurve means(const std::map<int64_t, std::vector<double>>& by_bucket) {
  BucketCurve out;
  out.reserve(by_bucket.size());
  for (const auto& [bucket, values] : by_bucket) {
    out.emplace_back(bucket, aggregate(values, Aggregate::kMean));
  }
  return out;
}

}  // namespace

std::vector<HeadCurve> head_curves(std::span<const HeadBucketRow> rows) {
  std::map<HeadId, std::map<int64_t, std::vector<double>>> by_head;
  for (const HeadBucketRow& row : rows) by_head[row.head][row.q_bucket].push_back(row.plasticity);
  std::vector<HeadCurve> out;
  out.reserve(by_head.size());
  for (const auto& [head, by_bucket] : by_head) out.push_back({head, means(by_bucket)});
  return out;
}

BucketCurve mean_curve(std::span<const HeadCurve> heads) {
  std::map<int64_t, std::vector<double>> by_bucket;
  for (const HeadCurve& head : heads) {
    for (const auto& [bucket, plasticity] : head.curve) by_bucket[bucket].push_back(plasticity);
  }
  return means(by_bucket);
}

double curve_slope(const BucketCurve& curve, const BucketScale& scale) {
  if (curve.size() < 2) return 0;
  const auto count = static_cast<double>(curve.size());
  double mean_x = 0;
  double mean_y = 0;
  for (const auto& [bucket, plasticity] : curve) {
    mean_x += bucket_center(scale, bucket) / count;
    mean_y += plasticity / count;
  }
  double products = 0;
  double squares = 0;
  for (const auto& [bucket, plasticity] : curve) {
    const double x = bucket_center(scale, bucket) - mean_x;
    products += x * (plasticity - mean_y);
    squares += x * x;
  }
  return products / squares;
}

TrendCounts count_trends(std::span<const HeadCurve> heads, const PlasticityOptions& options) {
  const double threshold = trend_threshold(heads, options);
  std::array<int64_t, 3> counts{};
  for (const HeadCurve& head : heads) {
    ++counts[trend_of(curve_slope(head.curve, options.scale), threshold)];
  }
  return {counts[0], counts[1], counts[2]};
}

Figure plasticity_figure(std::span<const HeadCurve> heads, const PlasticityOptions& options) {
  QK_CHECK(!heads.empty());
  return Builder(heads, options).build();
}

}  // namespace qk
