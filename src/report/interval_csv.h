// head_metrics_ci.csv: the error bars of every metric of every head. Columns: docs/methods.md.
#pragma once

#include <string>

#include "plasticity/head_metrics.h"

namespace qk {

// Without the line's end.
std::string interval_header();

// One line for every interval of the head, numbers as in the other CSV files.
std::string interval_lines(const HeadMetrics& head);

}  // namespace qk
