#include "report/figure_distance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "report/figure_curves.h"

namespace qk {
namespace {

constexpr Rgb kDistanceHead = {0x1f, 0x77, 0xb4};

bool is_in_tokens(const BucketScale& scale) {
  return scale.type == BucketType::kUniform || scale.type == BucketType::kTable;
}

class DistanceBuilder {
 public:
  DistanceBuilder(const DistanceData& data, const DistanceOptions& options)
      : data_(data), options_(options) {}

  Figure build() {
    figure_.width_in = 10;
    figure_.height_in = 6;
    figure_.title = "Attention plasticity by distance";
    if (!options_.model_name.empty()) figure_.title += " \u2014 " + options_.model_name;
    figure_.caption = data_.caption;
    add_heads();
    add_means();
    add_legend();
    figure_.x.label = is_in_tokens(options_.scale) ? "Distance from query to key (tokens)"
                                                   : "Distance from query to key (buckets)";
    if (options_.scale.type == BucketType::kLog) {
      figure_.x.label = "Distance from query to key (log buckets: each doubles the position)";
    }
    figure_.y.label = "Attention plasticity";
    fit_x_axis(figure_);
    fit_y_axis(figure_);
    add_strip();
    return std::move(figure_);
  }

 private:
  double x_of(int64_t lag) const {
    return is_in_tokens(options_.scale) ? data_.centers.at(lag) : static_cast<double>(lag);
  }

  bool is_thin(int64_t lag) const {
    const auto found = data_.documents.find(lag);
    return found != data_.documents.end() && found->second < options_.min_documents;
  }

  void add_heads() {
    const double alpha = options_.alpha.value_or(head_opacity(data_.heads.size()));
    for (const HeadCurve& head : data_.heads) {
      std::vector<DrawnPoint> points;
      for (const auto& [lag, plasticity] : head.curve) {
        points.push_back({x_of(lag), plasticity, std::nullopt, is_thin(lag)});
      }
      add_head_line(figure_, points, {{}, kDistanceHead, alpha, options_.line_width});
    }
  }

  std::vector<DrawnPoint> mean_points(const TableCurve& curve) const {
    std::vector<DrawnPoint> out;
    out.reserve(curve.points.size());
    for (const TablePoint& point : curve.points) {
      out.push_back({x_of(point.bucket), point.value, point.interval,
                     point.documents < options_.min_documents});
    }
    return out;
  }

  void add_means() {
    const size_t count = data_.means.size();
    for (size_t i = 0; i < count; ++i) {
      const TableCurve& curve = data_.means[i];
      add_band(figure_, mean_points(curve), mean_style(curve, i, count, options_.confidence).color);
    }
    for (size_t i = 0; i < count; ++i) {
      const TableCurve& curve = data_.means[i];
      add_curve(figure_, mean_points(curve), mean_style(curve, i, count, options_.confidence));
    }
  }

  void add_legend() {
    const auto is_below = [&](const auto& lag) { return is_thin(lag.first); };
    if (std::any_of(data_.documents.begin(), data_.documents.end(), is_below)) {
      figure_.legend.push_back(thin_entry({0xff, 0, 0}, options_.min_documents));
    }
    if (data_.heads.empty()) return;
    figure_.legend.push_back(
        {fmt::format("One head ({} in all)", data_.heads.size()), kDistanceHead, 1.5});
  }

  // Bars reach half way to their neighbours.
  void add_strip() {
    if (data_.documents.empty()) return;
    std::vector<std::pair<double, double>> places;
    places.reserve(data_.documents.size());
    for (const auto& [lag, documents] : data_.documents) places.emplace_back(x_of(lag), documents);
    std::vector<Strip::Bar> bars;
    for (size_t i = 0; i < places.size(); ++i) {
      const double gap = figure_.x.high - figure_.x.low;
      const double left = i > 0 ? places[i].first - places[i - 1].first : gap;
      const double right = i + 1 < places.size() ? places[i + 1].first - places[i].first : gap;
      const double half = std::min(left, right) / 2;
      bars.push_back({std::max(places[i].first - half, figure_.x.low),
                      std::min(places[i].first + half, figure_.x.high), places[i].second});
    }
    std::erase_if(bars, [](const Strip::Bar& bar) { return bar.from >= bar.to; });
    figure_.height_in += 1.1;
    figure_.strip = document_strip(std::move(bars), options_.min_documents);
  }

  const DistanceData& data_;
  const DistanceOptions& options_;
  Figure figure_;
};

}  // namespace

Figure distance_figure(const DistanceData& data, const DistanceOptions& options) {
  QK_CHECK(!data.means.empty());
  return DistanceBuilder(data, options).build();
}

}  // namespace qk
