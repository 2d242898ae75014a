#include "plasticity/head_intervals.h"

#include <cmath>

#include "heads/document_index.h"
#include "plasticity/metric_replicates.h"
#include "plasticity/plasticity_method.h"
#include "stats/resample_counts.h"

namespace qk {

std::vector<MetricInterval> head_intervals(const PlasticityInput& input, const NoiseOptions& noise,
                                           const HeadMetrics& metrics) {
  const BootstrapOptions& options = input.options.bootstrap;
  const DocumentIndex documents = index_documents(input.queries, input.keys);
  const int64_t draws = documents.num_documents() < 2 ? 0 : options.replicates;
  const ResampleCounts counts(documents.num_documents(), draws, input.options.seed);
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
    std::vector<double> values;
    for (size_t r = 1; r < replicates.size(); ++r) {
      values.push_back(is_plasticity ? plasticity.ap_overall[r] : replicates[r].*field.value);
    }
    out.push_back({field.name, metrics.*field.value,
                   bootstrap_interval(metrics.*field.value, values, options),
                   is_plasticity ? plasticity.pairs : query_size});
  }
  return out;
}

int64_t interval_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim) {
  if (options.bootstrap.replicates == 0) return 0;
  const int64_t replicates = options.bootstrap.replicates + 1;
  constexpr int64_t kRowBytes = 256;   // projections on kBlockWidth directions, columns, weights
  constexpr int64_t kCountBytes = 10;  // of a document in a replicate, also as a double
  const int64_t counts = replicates * kCountBytes * (rows / 8 + 1);
  const int64_t of_method =
      options.method == "linear" ? replicates * head_dim * head_dim * 4 : rows * head_dim * 8;
  return rows * kRowBytes + counts + of_method;
}

}  // namespace qk
