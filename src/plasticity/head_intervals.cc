#include "plasticity/head_intervals.h"

#include <cmath>

#include "heads/document_index.h"
#include "plasticity/metric_replicates.h"
#include "plasticity/plasticity_method.h"
#include "stats/resample_counts.h"

namespace qk {

std::vector<MetricInterval> head_intervals(const PlasticityInput& input, const NoiseOptions& noise,
                                           const HeadMetrics& metrics) {
  const ErrorBarOptions& options = input.options.error_bars;
  const DocumentIndex documents = index_documents(input.queries, input.keys);
  const auto counts =
      ResampleCounts::of_options(documents.num_documents(), options, input.options.seed);
  std::vector<HeadMetrics> replicates(static_cast<size_t>(counts.replicates()));
  const QueryReplicateInput queries{input.queries, input.fit, documents, counts};
  replicate_fit_metrics(queries, input.options.compat_reference, replicates);
  replicate_noise_metrics(queries, noise, replicates);
  const EffectiveSize query_size = query_sizes(queries);
  const PlasticityReplicates plasticity =
      find_method(input.options.method).replicates({input, documents, counts});
  std::vector<MetricInterval> out;
  for (const MetricField& field : metric_fields()) {
    const bool is_plasticity = field.value == &HeadMetrics::ap_overall;
    const EffectiveSize& size = is_plasticity ? plasticity.pairs : query_size;
    std::vector<double> values;
    for (size_t r = 1; r < replicates.size(); ++r) {
      values.push_back(is_plasticity ? plasticity.ap_overall[r] : replicates[r].*field.value);
    }
    out.push_back({field.name, metrics.*field.value,
                   document_interval(metrics.*field.value, values, size.effective_documents,
                                     field.scale, options),
                   size});
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
  const int64_t of_method =
      options.method == "linear" ? replicates * head_dim * head_dim * 4 : rows * head_dim * 8;
  return rows * kRowBytes + counts + of_method;
}

}  // namespace qk
