// What the figures of curves share: a mean with its band, ends that few documents stand behind, and
// the documents below it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/detail_tables.h"
#include "report/figure_drawing.h"

namespace qk {

struct DrawnPoint {
  double x = 0;
  double y = 0;
  std::optional<LowHigh> interval{};
  bool is_thin = false;  // few documents stand behind it
};

struct CurveStyle {
  std::string label;  // in the legend
  Rgb color;
  Dash dash = Dash::kSolid;
  double width_pt = 2.5;
  bool is_bold = true;  // on a white ground
};

// Of the mean number `index` of `count` ones, named by its method if there are several.
CurveStyle mean_style(const TableCurve& curve, size_t index, size_t count, double confidence);

// Of the line of one of so many heads: fainter where many lines would merge into one.
double head_opacity(size_t num_heads);

// Adds the areas of the intervals, on a white ground. To be called for all curves before the first
// add_curve, so that no band covers a line.
void add_band(Figure& figure, const std::vector<DrawnPoint>& points, Rgb color);

// Adds the curve and its entry in the legend. Parts between points of which one is thin are drawn
// thinner, and dashed.
void add_curve(Figure& figure, const std::vector<DrawnPoint>& points, const CurveStyle& style);

// The line of a single head. Thin parts are fainter.
void add_head_line(Figure& figure, const std::vector<DrawnPoint>& points, const Line& style);

// Gives the axis the range of all lines with a margin of 5 % on both sides, and a grid.
void fit_x_axis(Figure& figure);
void fit_y_axis(Figure& figure);

// The documents behind the data as bars below the axes; those below `min_documents` are thin.
Strip document_strip(std::vector<Strip::Bar> bars, double min_documents);

// "Fewer than 5 documents": the dashed parts.
LegendEntry thin_entry(Rgb color, double min_documents);

// "95%", or "confidence" if it is not known (0).
std::string confidence_text(double confidence);

}  // namespace qk
