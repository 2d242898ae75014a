// Error bars of all metrics of one head by resampling documents: docs/methods.md.
#pragma once

#include <span>
#include <vector>

#include "plasticity/head_metrics.h"
#include "plasticity/measure_methods.h"
#include "plasticity/metric_interval.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/query_noise.h"

namespace qk {

// One per metric_fields(), in their order, and ap_overall of the second and further methods.
// `metrics` are the values of the sample, `methods` are measured with the same counts. Reproducible:
// the documents of the replicates follow from options.seed and the document ids alone. With fewer
// than two documents there are no intervals (NaN). Throws Error if the tables have no example ids.
std::vector<MetricInterval> head_intervals(const PlasticityInput& input, const NoiseOptions& noise,
                                           const HeadMetrics& metrics, const ResampleCounts& counts,
                                           std::span<const MethodMeasurement> methods);

// Upper bound of the memory that head_intervals() takes for this many queries, in bytes; 0 without
// bootstrap. Documents are assumed to have eight queries each.
int64_t interval_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim);

}  // namespace qk
