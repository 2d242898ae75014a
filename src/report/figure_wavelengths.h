// How much position there is in the pairs of components that RoPE turns, by their wavelength.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/detail_tables.h"
#include "report/figure_drawing.h"

namespace qk {

struct WavelengthPoint {
  double wavelength = 0;  // tokens
  double lower = 0;       // quartiles over the heads
  double median = 0;
  double upper = 0;
  std::optional<double> floor{};  // median
};

// One set of RoPE frequencies.
struct WavelengthCurve {
  std::string rope_set;
  size_t num_heads = 0;
  std::vector<WavelengthPoint> points;  // wavelengths increasing
};

// By RoPE set, in alphabetical order. Quartiles as numpy.quantile's default. REQUIRES: rows.
std::vector<WavelengthCurve> wavelength_curves(std::span<const RopePairRow> rows);

struct WavelengthOptions {
  std::string value = "position_share";  // the column of the rows
  std::string model_name;
  std::string caption;  // which heads; empty: all
};

// REQUIRES: curves.
Figure wavelengths_figure(std::span<const WavelengthCurve> curves,
                          const WavelengthOptions& options);

}  // namespace qk
