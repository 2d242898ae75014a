#include "report/figure_plasticity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "report/figure_curves.h"

namespace qk {
namespace {

constexpr Rgb kHead = {0x1f, 0x77, 0xb4};
constexpr Rgb kMean = {0xff, 0x00, 0x00};
constexpr double kLegendWidth = 1.5;
constexpr double kTrendChange = 0.05;

// Of the documents that reach a bucket.
struct LineLook {
  Rgb color;
  Dash dash;
};
constexpr std::array<LineLook, 3> kReachLooks = {{{{0x00, 0x00, 0x00}, Dash::kDashed},
                                                  {{0x6a, 0x1b, 0x9a}, Dash::kDashDot},
                                                  {{0x00, 0x6b, 0x5b}, Dash::kDotted}}};

struct Trend {
  std::string name;
  Rgb color;
  int64_t num_heads = 0;
};

// Rising, falling, flat.
using Trends = std::array<Trend, 3>;

size_t trend_of(double slope, double threshold) {
  if (slope > threshold) return 0;
  return slope < -threshold ? 1 : 2;
}

size_t trend_of(const LowHigh& slope) {
  if (slope.first > 0) return 0;
  return slope.second < 0 ? 1 : 2;
}

// Of heads without an interval: none.
size_t trend_of(const HeadCurve& head, const SlopeIntervals& slopes) {
  const auto found = slopes.by_head.find(head.head);
  return found == slopes.by_head.end() ? 2 : trend_of(found->second);
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
  Builder(std::span<const HeadCurve> heads, const PlasticityOptions& options,
          const PlasticityDetails& details)
      : heads_(heads),
        options_(options),
        details_(details),
        cmap_(options.cmap),
        threshold_(trend_threshold(heads, options)) {
    for (const HeadCurve& head : heads) last_layer_ = std::max(last_layer_, head.head.layer);
    if (details.slopes) name_trends(details.slopes->name);
  }

  Figure build() {
    figure_.width_in = 10;
    figure_.height_in = 6;
    figure_.title = "Per-bucket attention plasticity";
    if (!options_.model_name.empty()) figure_.title += " \u2014 " + options_.model_name;
    add_heads();
    add_means();
    add_thin_entry();
    add_reaching();
    add_legend();
    add_axes();
    add_strip();
    add_caption();
    return std::move(figure_);
  }

 private:
  void name_trends(const std::string& slope) {
    const std::string over = slope == "position"   ? " at fixed distance"
                             : slope == "distance" ? " with distance"
                                                   : "";
    trends_[0].name = "Rising" + over;
    trends_[1].name = "Falling" + over;
    trends_[2].name = "Neither, by its interval";
  }

  double x_of(int64_t bucket) const { return x_at(bucket_center(options_.scale, bucket), bucket); }

  double x_at(double position, int64_t bucket) const {
    if (!options_.is_log_axis) return position;
    if (position <= 0) fail("x_scale: log cannot show bucket {}, at position {}", bucket, position);
    return std::log2(position);
  }

  bool is_thin(int64_t bucket) const {
    const auto found = details_.documents.find(bucket);
    return found != details_.documents.end() && found->second < details_.min_documents;
  }

  void add_heads() {
    const double alpha = options_.alpha.value_or(head_opacity(heads_.size()));
    for (const HeadCurve& head : heads_) {
      const size_t trend = head_trend(head);
      const Dash dash = details_.slopes && trend == 1 ? Dash::kDashed : Dash::kSolid;
      add_head_line(figure_, curve_points(head.curve),
                    {{}, head_color(head, trend), alpha, options_.line_width, dash});
      if (options_.colors == LineColors::kByTrend) ++trends_[trend].num_heads;
    }
    if (options_.colors == LineColors::kByTrend) {  // few rise or fall: over the many flat ones
      std::stable_partition(figure_.lines.begin(), figure_.lines.end(),
                            [&](const Line& line) { return line.color == trends_[2].color; });
    }
  }

  size_t head_trend(const HeadCurve& head) const {
    if (options_.colors != LineColors::kByTrend) return 2;
    if (details_.slopes) return trend_of(head, *details_.slopes);
    return trend_of(curve_slope(head.curve, options_.scale), threshold_);
  }

  Rgb head_color(const HeadCurve& head, size_t trend) const {
    switch (options_.colors) {
      case LineColors::kByLayer:
        return cmap_.at(static_cast<double>(head.head.layer) / static_cast<double>(last_layer_));
      case LineColors::kByTrend:
        return trends_[trend].color;
      case LineColors::kOne:
        break;
    }
    return kHead;
  }

  std::vector<DrawnPoint> curve_points(const BucketCurve& curve) const {
    std::vector<DrawnPoint> out;
    for (const auto& [bucket, plasticity] : curve) {
      out.push_back({x_of(bucket), plasticity, std::nullopt, is_thin(bucket)});
    }
    return out;
  }

  std::vector<DrawnPoint> curve_points(const TableCurve& curve) const {
    std::vector<DrawnPoint> out;
    for (const TablePoint& point : curve.points) {
      const bool is_thin = point.documents < details_.min_documents;
      out.push_back({x_of(point.bucket), point.value, point.interval, is_thin});
    }
    return out;
  }

  void add_reaching() {
    for (size_t i = 0; i < details_.reaching.size(); ++i) {
      const TableCurve& curve = details_.reaching[i];
      const LineLook& look = kReachLooks[i % kReachLooks.size()];
      add_curve(figure_, curve_points(curve),
                {reach_label(curve), look.color, look.dash, 1.6, false});
    }
  }

  std::string reach_label(const TableCurve& curve) const {
    std::string out = fmt::format("Documents that reach bucket {}", *curve.reach);
    if (options_.scale.type != BucketType::kNumber) {
      out = fmt::format("Documents that reach {} tokens",
                        grouped(bucket_start(options_.scale, *curve.reach)));
    }
    double most = 0;
    for (const TablePoint& point : curve.points) most = std::max(most, point.documents);
    return most > 0 ? fmt::format("{} ({:g})", out, most) : out;
  }

  void add_means() {
    if (details_.means.empty()) {
      add_curve(figure_, curve_points(mean_curve(heads_)), {"Mean across heads", kMean});
      return;
    }
    const size_t count = details_.means.size();
    for (size_t i = 0; i < count; ++i) {
      const TableCurve& curve = details_.means[i];
      add_band(figure_, curve_points(curve),
               mean_style(curve, i, count, details_.confidence).color);
    }
    for (size_t i = 0; i < count; ++i) {
      const TableCurve& curve = details_.means[i];
      add_curve(figure_, curve_points(curve), mean_style(curve, i, count, details_.confidence));
    }
  }

  void add_thin_entry() {
    const auto is_below = [&](const auto& bucket) { return is_thin(bucket.first); };
    if (std::none_of(details_.documents.begin(), details_.documents.end(), is_below)) return;
    figure_.legend.push_back(thin_entry(kMean, details_.min_documents));
  }

  void add_legend() {
    const auto add = [&](std::string label, Rgb color, Dash dash = Dash::kSolid) {
      figure_.legend.push_back({std::move(label), color, kLegendWidth, dash});
    };
    if (heads_.empty()) return;
    if (options_.colors == LineColors::kOne) {
      add(fmt::format("One head ({} in all)", heads_.size()), kHead);
    } else if (options_.colors == LineColors::kByTrend) {
      for (const Trend& trend : trends_) {
        const char* heads = trend.num_heads == 1 ? "head" : "heads";
        const bool is_dashed = details_.slopes && &trend == &trends_[1];
        add(fmt::format("{} ({} {})", trend.name, trend.num_heads, heads), trend.color,
            is_dashed ? Dash::kDashed : Dash::kSolid);
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

  void add_axes() {
    figure_.x.label = axis_name(options_.scale, "Position", "Query bucket");
    figure_.y.label = "Attention plasticity";
    fit_x_axis(figure_);
    fit_y_axis(figure_);
    for (const Strip::Bar& bar : document_bars()) {
      figure_.x.low = std::min(figure_.x.low, bar.from);
      figure_.x.high = std::max(figure_.x.high, bar.to);
    }
    if (options_.is_log_axis) {
      add_powers(figure_.x);
    } else if (options_.scale.type == BucketType::kNumber) {
      add_integers(figure_.x);
    }
  }

  // The bars of the documents, with the whole width of their buckets if the axis can show it.
  std::vector<Strip::Bar> document_bars() const {
    std::vector<Strip::Bar> out;
    for (const auto& [bucket, documents] : details_.documents) {
      const auto [from, to] = bucket_extent(options_.scale, bucket);
      const bool has_start = !options_.is_log_axis || from > 0;
      out.push_back({has_start ? x_at(from, bucket) : figure_.x.low, x_at(to, bucket), documents});
    }
    return out;
  }

  void add_strip() {
    if (details_.documents.empty()) return;
    figure_.height_in += 1.1;
    figure_.strip = document_strip(document_bars(), details_.min_documents);
  }

  void add_caption() {
    figure_.caption = details_.caption;
    if (options_.colors != LineColors::kByTrend || !details_.slopes) return;
    if (!figure_.caption.empty()) figure_.caption += ' ';
    figure_.caption += fmt::format(
        "A head rises or falls if the {} interval of its slope{} excludes 0.",
        confidence_text(details_.confidence),
        details_.slopes->name == "curve" ? " over position, which mixes distances," : "");
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
  const PlasticityDetails& details_;
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

TrendCounts count_trends(std::span<const HeadCurve> heads, const PlasticityOptions& options,
                         const std::optional<SlopeIntervals>& slopes) {
  const double threshold = trend_threshold(heads, options);
  std::array<int64_t, 3> counts{};
  for (const HeadCurve& head : heads) {
    ++counts[slopes ? trend_of(head, *slopes)
                    : trend_of(curve_slope(head.curve, options.scale), threshold)];
  }
  return {counts[0], counts[1], counts[2]};
}

Figure plasticity_figure(std::span<const HeadCurve> heads, const PlasticityOptions& options,
                         const PlasticityDetails& details) {
  QK_CHECK(!heads.empty() || !details.means.empty());
  return Builder(heads, options, details).build();
}

}  // namespace qk
