// The table at the end of an analysis.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "plasticity/head_metrics.h"

namespace qk {

// Of numbers without NaN; quartiles by linear interpolation, deviation divided by n - 1.
struct Spread {
  int64_t count = 0;
  double mean = 0, deviation = 0, lowest = 0, lower = 0, median = 0, upper = 0, highest = 0;
};
// All but count are NaN if there are no numbers; the deviation also if there is one.
Spread spread_of(std::vector<double> values);

// Collects the metrics of all heads, then prints count, mean, deviation and quartiles over heads of
// those that the original's summary has.
class AnalysisSummary {
 public:
  AnalysisSummary();
  void add(const HeadMetrics& head);
  std::string text() const;

 private:
  std::vector<std::vector<double>> values_;  // of each metric shown
};

}  // namespace qk
