#include "report/figure_wavelengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "report/figure_curves.h"

namespace qk {
namespace {

// Linear between the two nearest of the sorted values.
double quantile_of(const std::vector<double>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(at));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

WavelengthPoint point_of(double wavelength, std::vector<double> values,
                         std::vector<double> floors) {
  std::sort(values.begin(), values.end());
  WavelengthPoint out = {wavelength, quantile_of(values, 0.25), quantile_of(values, 0.5),
                         quantile_of(values, 0.75)};
  std::sort(floors.begin(), floors.end());
  if (!floors.empty()) out.floor = quantile_of(floors, 0.5);
  return out;
}

struct SetRows {
  std::set<HeadId> heads;
  std::map<double, std::pair<std::vector<double>, std::vector<double>>> by_wavelength;
};

std::vector<DrawnPoint> median_points(const WavelengthCurve& curve) {
  std::vector<DrawnPoint> out;
  out.reserve(curve.points.size());
  for (const WavelengthPoint& point : curve.points) {
    out.push_back({std::log10(point.wavelength), point.median, LowHigh(point.lower, point.upper)});
  }
  return out;
}

std::vector<DrawnPoint> floor_points(const WavelengthCurve& curve) {
  std::vector<DrawnPoint> out;
  for (const WavelengthPoint& point : curve.points) {
    if (point.floor) out.push_back({std::log10(point.wavelength), *point.floor});
  }
  return out;
}

const char* value_label(const std::string& value) {
  if (value == "line_R2") return "R\u00b2 of the line over position";
  if (value == "turn_share") return "Share of variance explained by turning with position";
  if (value == "bucket_R2") return "R\u00b2 of the bucket means";
  return "Share of variance explained by position";
}

// Powers of 10, or of 2 if the axis holds fewer than two of them.
void add_wavelength_ticks(Axis& axis) {
  axis.ticks.emplace();
  const auto add = [&](double base) {
    const double step = std::log10(base);
    const auto last = static_cast<int64_t>(std::floor(axis.high / step));
    for (auto power = static_cast<int64_t>(std::ceil(axis.low / step)); power <= last; ++power) {
      const double at = static_cast<double>(power) * step;
      axis.ticks->push_back({at, grouped(std::round(std::pow(10, at) * 100) / 100), power});
    }
  };
  add(10);
  if (axis.ticks->size() >= 2) return;
  axis.ticks->clear();
  add(2);
}

}  // namespace

std::vector<WavelengthCurve> wavelength_curves(std::span<const RopePairRow> rows) {
  std::map<std::string, SetRows> sets;
  for (const RopePairRow& row : rows) {
    SetRows& set = sets[row.rope_set];
    set.heads.insert(row.head);
    auto& [values, floors] = set.by_wavelength[row.wavelength];
    values.push_back(row.value);
    if (row.floor) floors.push_back(*row.floor);
  }
  std::vector<WavelengthCurve> out;
  for (auto& [name, set] : sets) {
    WavelengthCurve curve = {name, set.heads.size(), {}};
    for (auto& [wavelength, numbers] : set.by_wavelength) {
      curve.points.push_back(
          point_of(wavelength, std::move(numbers.first), std::move(numbers.second)));
    }
    out.push_back(std::move(curve));
  }
  return out;
}

Figure wavelengths_figure(std::span<const WavelengthCurve> curves,
                          const WavelengthOptions& options) {
  QK_CHECK(!curves.empty());
  struct Look {
    Rgb color;
    Dash dash;
  };
  constexpr std::array<Look, 4> kLooks = {{{{0x1f, 0x4e, 0xb4}, Dash::kSolid},
                                           {{0xc2, 0x41, 0x0c}, Dash::kDashed},
                                           {{0x00, 0x7a, 0x4d}, Dash::kDashDot},
                                           {{0x6a, 0x1b, 0x9a}, Dash::kDotted}}};
  Figure figure;
  figure.width_in = 10;
  figure.height_in = 6;
  figure.title = "Position in the queries by wavelength of RoPE";
  if (!options.model_name.empty()) figure.title += " \u2014 " + options.model_name;
  for (size_t i = 0; i < curves.size(); ++i) {
    add_band(figure, median_points(curves[i]), kLooks[i % kLooks.size()].color);
  }
  for (size_t i = 0; i < curves.size(); ++i) {
    const Look& look = kLooks[i % kLooks.size()];
    const std::string set =
        curves.size() == 1 ? "" : fmt::format(", RoPE set {}", curves[i].rope_set);
    add_curve(figure, median_points(curves[i]),
              {fmt::format("Median and quartiles{} ({} heads)", set, curves[i].num_heads),
               look.color, look.dash, 2});
    const auto floors = floor_points(curves[i]);
    // It is that of bucket_R2; position_share has it taken off already.
    if (options.value != "bucket_R2" || floors.empty()) continue;
    add_curve(figure, floors,
              {fmt::format("Floor without position{}", set), look.color, Dash::kShort, 1, false});
  }
  figure.x.label = "Wavelength (tokens)";
  figure.y.label = value_label(options.value);
  fit_x_axis(figure);
  fit_y_axis(figure);
  add_wavelength_ticks(figure.x);
  if (!options.caption.empty()) figure.caption = "Only " + options.caption + ".";
  return figure;
}

}  // namespace qk
