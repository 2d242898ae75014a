#include "plasticity/head_intervals.h"

#include <algorithm>
#include <string_view>

#include "plasticity/metric_replicates.h"
#include "stats/resample_counts.h"

namespace qk {

std::vector<MetricInterval> head_intervals(const PlasticityInput& input, const NoiseOptions& noise,
                                           const HeadMetrics& metrics, const ResampleCounts& counts,
                                           std::span<const MethodMeasurement> methods) {
  std::vector<HeadMetrics> replicates(static_cast<size_t>(counts.replicates()));
  const QueryReplicateInput queries{input.queries, input.fit, *input.documents, counts};
  replicate_fit_metrics(queries, input.options.compat_reference, replicates);
  replicate_noise_metrics(queries, noise, replicates);
  const EffectiveSize query_size = query_sizes(queries);
  const std::string_view primary = methods.front().result.name;
  std::vector<MetricInterval> out;
  for (const MetricField& field : metric_fields()) {
    if (field.value == &HeadMetrics::ap_overall) continue;
    std::vector<double> values;
    for (size_t r = 1; r < replicates.size(); ++r) values.push_back(replicates[r].*field.value);
    out.push_back({field.name, primary, metrics.*field.value,
                   document_interval(metrics.*field.value, values, query_size.effective_documents,
                                     field.scale, input.options.error_bars),
                   query_size});
  }
  for (const MethodMeasurement& method : methods) {
    const MethodResult& result = method.result;
    out.push_back({"ap_overall", result.name, result.ap_overall, result.interval, method.pairs});
  }
  return out;
}

int64_t interval_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim) {
  if (!options.error_bars.wanted()) return 0;
  const bool is_jackknife = options.error_bars.kind == ErrorBars::kJackknife;
  const int64_t replicates =
      1 + (is_jackknife ? ResampleCounts::kMostGroups : options.error_bars.replicates);
  constexpr int64_t kRowBytes = 256;   // projections on kBlockWidth directions, columns, weights
  constexpr int64_t kCountBytes = 10;  // of a document in a replicate, also as a double
  const int64_t counts = replicates * kCountBytes * (rows / 8 + 1);
  const bool has_linear = std::ranges::find(options.methods, "linear") != options.methods.end();
  const int64_t of_method = has_linear ? replicates * head_dim * head_dim * 4 : rows * head_dim * 8;
  return rows * kRowBytes + counts + of_method;
}

}  // namespace qk
