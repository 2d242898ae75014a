// mean_curves.csv and mean_trends.csv: means over heads of the curves and slopes over position and
// distance. docs/analysis.md.
#pragma once

#include <span>
#include <string>

#include "analysis/mean_curves.h"
#include "analysis/mean_trends.h"

namespace qk {

// Headers are without the line's end.
std::string curve_header();
std::string curve_lines(std::span<const MeanCurve> curves);

std::string mean_trend_header();
std::string mean_trend_lines(std::span<const MeanTrend> trends);

}  // namespace qk
