// mean_curves.csv: means over heads of the curves over position and distance. docs/analysis.md.
#pragma once

#include <span>
#include <string>

#include "analysis/mean_curves.h"

namespace qk {

// Without the line's end.
std::string curve_header();
std::string curve_lines(std::span<const MeanCurve> curves);

}  // namespace qk
