// Error bars of all metrics of one head by resampling documents: docs/methods.md.
#pragma once

#include <vector>

#include "plasticity/head_metrics.h"
#include "plasticity/metric_interval.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/query_noise.h"

namespace qk {

// One per metric_fields(), in their order. `metrics` are the values of the sample. Reproducible:
// the documents of the replicates follow from options.seed and the document ids alone. With fewer
// than two documents there are no intervals (NaN). Throws Error if the tables have no example ids.
std::vector<MetricInterval> head_intervals(const PlasticityInput& input, const NoiseOptions& noise,
                                           const HeadMetrics& metrics);

// Upper bound of the memory that head_intervals() takes for this many queries, in bytes; 0 without
// bootstrap. Documents are assumed to have eight queries each.
int64_t interval_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim);

}  // namespace qk
