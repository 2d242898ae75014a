// head_diagnostics.csv and head_rope_pairs.csv. Columns: docs/analysis.md.
#pragma once

#include <string>

#include "plasticity/head_metrics.h"

namespace qk {

// Headers are without the line's end. A head without diagnostics has no line.
std::string diagnostic_header();
std::string diagnostic_lines(const HeadMetrics& head);

std::string rope_pair_header();
std::string rope_pair_lines(const HeadMetrics& head);

}  // namespace qk
