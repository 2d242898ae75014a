// A comparison in words and tables.
#pragma once

#include <string>

#include "compare/comparison.h"

namespace qk {

struct CompareTextOptions {
  std::string metric;   // whose heads are shown one by one
  int64_t movers = 10;  // how many of them
};

// REQUIRES: the comparison has the metric.
std::string compare_text(const AnalysisResults& a, const AnalysisResults& b,
                         const Comparison& comparison, const CompareOptions& options,
                         const CompareTextOptions& text);

}  // namespace qk
