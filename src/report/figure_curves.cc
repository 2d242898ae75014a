#include "report/figure_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace qk {
namespace {

constexpr Rgb kGround = {0xff, 0xff, 0xff};
constexpr double kGroundOpacity = 0.7;
constexpr double kGroundExtra = 2.0;  // points, around a bold line
constexpr double kBandOpacity = 0.22;
constexpr double kThinWidth = 0.6;    // of a curve's width
constexpr double kThinOpacity = 0.4;  // of a head's opacity
constexpr double kAxisMargin = 0.05;

using Points = std::vector<std::pair<double, double>>;

// A part of a curve whose segments are all thin, or all not.
struct Part {
  Points points;
  bool is_thin = false;
};

std::vector<Part> parts_of(const std::vector<DrawnPoint>& curve) {
  std::vector<Part> out;
  for (size_t i = 0; i + 1 < curve.size(); ++i) {
    const bool is_thin = curve[i].is_thin || curve[i + 1].is_thin;
    if (out.empty() || out.back().is_thin != is_thin) {
      out.push_back({{{curve[i].x, curve[i].y}}, is_thin});
    }
    out.back().points.emplace_back(curve[i + 1].x, curve[i + 1].y);
  }
  // One point would be a line without length: a short dash instead.
  if (curve.size() == 1) {
    const double half = std::max(std::abs(curve[0].x), 1.0) * 0.02;
    out.push_back(
        {{{curve[0].x - half, curve[0].y}, {curve[0].x + half, curve[0].y}}, curve[0].is_thin});
  }
  return out;
}

Points all_points(const std::vector<Part>& parts) {
  Points out;
  for (const Part& part : parts) {
    const auto begin = part.points.begin() + (out.empty() ? 0 : 1);
    out.insert(out.end(), begin, part.points.end());
  }
  return out;
}

// An area for each run of points with an interval.
std::vector<Points> bands_of(const std::vector<DrawnPoint>& curve) {
  std::vector<Points> out;
  for (size_t begin = 0; begin < curve.size();) {
    size_t end = begin;
    while (end < curve.size() && curve[end].interval) ++end;
    if (end - begin >= 2) {
      Points area;
      for (size_t i = begin; i < end; ++i) area.emplace_back(curve[i].x, curve[i].interval->second);
      for (size_t i = end; i-- > begin;) area.emplace_back(curve[i].x, curve[i].interval->first);
      out.push_back(std::move(area));
    } else if (end - begin == 1) {  // a bar of a few units
      const auto& point = curve[begin];
      const double half = std::max(std::abs(point.x), 1.0) * 0.005;
      out.push_back({{point.x - half, point.interval->first},
                     {point.x + half, point.interval->first},
                     {point.x + half, point.interval->second},
                     {point.x - half, point.interval->second}});
    }
    begin = std::max(end, begin + 1);
  }
  return out;
}

template <typename Get>
void fit_axis(const Figure& figure, Axis& axis, Get get) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const Line& line : figure.lines) {
    for (const auto& point : line.points) {
      low = std::min(low, get(point));
      high = std::max(high, get(point));
    }
  }
  double margin = kAxisMargin * (high - low);
  if (!(margin > std::max(1e-12 * std::max(std::abs(low), std::abs(high)), 1e-100))) {
    margin = std::max(kAxisMargin * std::abs(low), kAxisMargin);
  }
  axis.low = low - margin;
  axis.high = high + margin;
  axis.grid = true;
}

}  // namespace

CurveStyle mean_style(const TableCurve& curve, size_t index, size_t count, double confidence) {
  struct Look {
    Rgb color;
    Dash dash;
  };
  constexpr std::array<Look, 4> kLooks = {{{{0xff, 0x00, 0x00}, Dash::kSolid},
                                           {{0x1f, 0x4e, 0xb4}, Dash::kDashed},
                                           {{0x00, 0x7a, 0x4d}, Dash::kDashDot},
                                           {{0x6a, 0x1b, 0x9a}, Dash::kDotted}}};
  const Look& look = kLooks[index % kLooks.size()];
  std::string label = "Mean across heads";
  if (count > 1) label += ", " + curve.method;
  const auto has_interval = [](const TablePoint& point) { return point.interval.has_value(); };
  if (std::any_of(curve.points.begin(), curve.points.end(), has_interval)) {
    label += fmt::format(", {} interval", confidence_text(confidence));
  }
  return {label, look.color, look.dash};
}

double head_opacity(size_t num_heads) {
  constexpr double kAlpha = 0.25;
  constexpr double kNumHeads = 400;
  constexpr double kFaintest = 0.1;
  return std::max(kFaintest, kAlpha * std::min(1.0, kNumHeads / static_cast<double>(num_heads)));
}

void add_band(Figure& figure, const std::vector<DrawnPoint>& points, Rgb color) {
  for (const Points& band : bands_of(points)) {
    figure.lines.push_back({band, kGround, kGroundOpacity, 0, Dash::kSolid, true});
    figure.lines.push_back({band, color, kBandOpacity, 0, Dash::kSolid, true});
  }
}

void add_curve(Figure& figure, const std::vector<DrawnPoint>& points, const CurveStyle& style) {
  const auto parts = parts_of(points);
  const bool has_band =
      style.is_bold && std::any_of(points.begin(), points.end(),
                                   [](const auto& p) { return p.interval.has_value(); });
  if (style.is_bold) {
    figure.lines.push_back(
        {all_points(parts), kGround, kGroundOpacity, style.width_pt + kGroundExtra});
  }
  for (const Part& part : parts) {
    const Dash thin = style.dash == Dash::kSolid ? Dash::kShort : style.dash;
    figure.lines.push_back({part.points, style.color, 1,
                            style.width_pt * (part.is_thin ? kThinWidth : 1.0),
                            part.is_thin ? thin : style.dash});
  }
  figure.legend.push_back({style.label, style.color, style.width_pt, style.dash, has_band});
}

void add_head_line(Figure& figure, const std::vector<DrawnPoint>& points, const Line& style) {
  for (Part& part : parts_of(points)) {
    Line line = style;
    line.points = std::move(part.points);
    if (part.is_thin) line.opacity *= kThinOpacity;
    figure.lines.push_back(std::move(line));
  }
}

void fit_x_axis(Figure& figure) {
  fit_axis(figure, figure.x, [](const auto& point) { return point.first; });
}

void fit_y_axis(Figure& figure) {
  fit_axis(figure, figure.y, [](const auto& point) { return point.second; });
}

Strip document_strip(std::vector<Strip::Bar> bars, double min_documents) {
  Strip out = {"Documents", 1, std::nullopt, std::move(bars)};
  double highest = 1;
  bool has_thin = false;
  for (Strip::Bar& bar : out.bars) {
    bar.is_thin = bar.value < min_documents;
    has_thin = has_thin || bar.is_thin;
    highest = std::max(highest, bar.value);
  }
  constexpr double kRoomForNumbers = 1.4;
  out.high = kRoomForNumbers * highest;
  if (has_thin && min_documents <= out.high) out.level = min_documents;
  return out;
}

LegendEntry thin_entry(Rgb color, double min_documents) {
  return {fmt::format("Fewer than {:g} documents", min_documents), color, 1.5, Dash::kShort, false};
}

std::string confidence_text(double confidence) {
  return confidence > 0 ? fmt::format("{:g}%", 100 * confidence) : "confidence";
}

}  // namespace qk
