// The table at the end of an analysis.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plasticity/head_metrics.h"

namespace qk {

// Statistics that ignore NaN. Quartiles are interpolated linearly; the standard deviation is
// divided by n - 1.
struct Spread {
  int64_t count = 0;
  double mean = 0, deviation = 0, lowest = 0, lower = 0, median = 0, upper = 0, highest = 0;
};
// Without numbers all but count are NaN; with a single one the deviation is NaN.
Spread spread_of(std::vector<double> values);

// Collects the metrics of all heads and formats count, mean, deviation and quartiles over heads,
// for the metrics that the original's summary shows.
class AnalysisSummary {
 public:
  AnalysisSummary();
  void add(const HeadMetrics& head);
  // With several methods also ap_overall of the second and further ones.
  std::string text() const;
  // Sentences: methods whose ap_overall differs from another's by more than its error.
  std::vector<std::string> warnings() const;
  // Heads with queries that were left out of the plasticity (HeadMetrics).
  int64_t num_passed_over() const { return num_passed_over_; }

 private:
  struct OfMethod {
    std::string_view name;
    std::string_view against;  // the method that it is compared with
    std::vector<double> values;
    std::vector<double> differences;
    int64_t num_warnings = 0;  // heads that depends_on_method() names
  };

  std::vector<std::vector<double>> values_;  // of each metric shown
  std::vector<OfMethod> methods_;            // in the order of HeadMetrics
  int64_t num_passed_over_ = 0;
};

}  // namespace qk
