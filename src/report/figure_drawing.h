// A figure as data, and its drawing. Layout, ticks and drawing are plotters', PNG and PDF are made
// from its SVG (rust/figures_c, docs/decisions/0003-figures.md). The same figure gives the same
// bytes on every machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/colormap.h"

namespace qk {

struct Tick {
  double at = 0;
  std::string label;
  int64_t number = 0;  // where labels would touch, only multiples of 2, 4, 5, 8, 10, ... stay
};

struct Axis {
  std::string label;
  double low = 0;
  double high = 1;                         // > low
  bool grid = false;                       // a light line at every tick
  std::optional<std::vector<Tick>> ticks;  // absent: round numbers
};

// A square of side 1 with its centre at (column, row).
struct Cell {
  uint32_t column = 0;
  uint32_t row = 0;
  Rgb color;
  bool hatched = false;
};

// From 0 to `value`.
struct Bar {
  double center = 0;
  double width = 0;
  double value = 0;
  Rgb color;
};

enum class Dash : uint8_t { kSolid, kDashed, kDotted, kDashDot, kShort };

struct Line {
  std::vector<std::pair<double, double>> points;
  Rgb color;
  double opacity = 1;   // 0 to 1
  double width_pt = 1;  // points
  Dash dash = Dash::kSolid;
  bool filled = false;  // the area that the points enclose, instead of a line
};

struct LegendEntry {
  std::string label;
  Rgb color;
  double width_pt = 1;
  Dash dash = Dash::kSolid;
  bool band = false;  // the line lies in a band of its colour
};

// To the right of the axes.
struct ColorBar {
  std::string label;
  double low = 0;
  double high = 1;                         // > low
  std::vector<Rgb> colors;                 // from low to high, in equal steps
  std::optional<std::vector<Tick>> ticks;  // absent: round numbers
};

// Bars in axes of their own, below the others, over the same x-axis: how much stands behind the data.
struct Strip {
  struct Bar {
    double from = 0;
    double to = 0;         // > from
    double value = 0;      // >= 0
    bool is_thin = false;  // an outline
  };
  std::string label;
  double high = 1;              // of its y-axis, which begins at 0; > 0
  std::optional<double> level;  // a dashed line at this height
  std::vector<Bar> bars;
};

struct Figure {
  double width_in = 8;  // inches
  double height_in = 6;
  std::string title;
  Axis x;
  Axis y;
  std::vector<Cell> cells;  // drawn in this order: cells, bars, lines
  std::vector<Bar> bars;
  std::vector<Line> lines;
  std::vector<LegendEntry> legend;  // in the corner where it hides the least; empty: none
  std::optional<ColorBar> color_bar;
  std::optional<Strip> strip;
  std::string caption;  // small, below the axes
};

enum class FigureFormat : uint8_t { kSvg, kPng, kPdf };  // PNG: 200 dots per inch

// By the extension, in any case. Throws Error for another one or none.
FigureFormat figure_format(const std::filesystem::path& path);

struct DrawnFigure {
  std::string bytes;               // of the file
  std::vector<std::string> notes;  // what is not drawn as asked for, a sentence each
};

// Texts may hold formulas (math_text.h) and anything else: what cannot be in a file is replaced by
// '?', what does not fit is broken, then drawn smaller, then cut with a note. Throws Error: labels
// that leave no room. REQUIRES: numbers are finite.
DrawnFigure draw_figure(const Figure& figure, FigureFormat format);

// Draws into a file, which appears complete or not at all; makes its folder. Returns the notes.
// Throws Error.
std::vector<std::string> write_figure(const Figure& figure, const std::filesystem::path& path);

}  // namespace qk
