// The tables of what each method says about each head: docs/analysis.md, "What comes out".
#pragma once

#include <string>

#include "plasticity/head_metrics.h"

namespace qk {

// head_bucket_details.csv: every cell, with what stands behind it.
std::string detail_header();
std::string detail_lines(const HeadMetrics& head);

// head_positions.csv: the curve over query buckets.
std::string position_header();
std::string position_lines(const HeadMetrics& head);

// head_trends.csv: slopes over position and distance.
std::string trend_header();
std::string trend_lines(const HeadMetrics& head);

// head_methods.csv: ap_overall by method, and how far it depends on it.
std::string method_header();
std::string method_lines(const HeadMetrics& head);

}  // namespace qk
