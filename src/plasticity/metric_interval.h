// The error bar of one metric of one head: a row of head_metrics_ci.csv.
#pragma once

#include <string_view>
#include <vector>

#include "stats/document_interval.h"
#include "stats/group_spread.h"

namespace qk {

struct MetricInterval {
  const char* metric = "";  // column of head_metrics.csv
  std::string_view
      method;           // of ap_overall; the first one for the others, which do not depend on it
  double estimate = 0;  // its value there
  Interval interval;
  EffectiveSize size;                // of the queries; for ap_overall of the key pairs
  std::vector<double> replicates{};  // behind the interval, without the sample
};

}  // namespace qk
