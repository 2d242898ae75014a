#include "plasticity/measure_head.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "plasticity/head_intervals.h"
#include "plasticity/head_seeds.h"
#include "plasticity/measure_diagnostics.h"
#include "plasticity/measure_methods.h"
#include "plasticity/measure_profile.h"
#include "plasticity/query_fit.h"
#include "plasticity/query_noise.h"

namespace qk {
namespace {

void fill_fit(const HeadTable& queries, const QueryFit& fit, bool reference, HeadMetrics& out) {
  out.component_r2 = component_r2(fit, reference);
  out.q_r2_pos = mean_r2(fit, out.component_r2, reference);
  double positive = 0;
  for (const double r2 : out.component_r2) positive += std::max(0.0, r2);
  for (const double r2 : out.component_r2) {
    out.component_weight.push_back(positive > 0 ? std::max(0.0, r2) / positive
                                                : 1 / static_cast<double>(queries.head_dim));
  }
  out.q_beta_norm = fit.slope_norm;
  const ScalarPredictability scalar = predict_position(queries, fit);
  out.q_r2_scalar = scalar.r2;
  out.q_mae_baseline = scalar.mae_baseline;
  out.q_mae_proj = scalar.mae_proj;
  out.q_mae_ratio = scalar.mae_baseline > 0 ? scalar.mae_proj / scalar.mae_baseline : 1;
}

std::vector<int64_t> noise_dims(const MeasureOptions& options, const HeadId& head,
                                int64_t head_dim) {
  NumpyGenerator generator(noise_dims_seed(options, head.layer, head.q_head));
  return generator.choice(head_dim - 1, std::min(options.normality_max_dims, head_dim - 1));
}

QueryNoise fill_noise(const HeadTable& queries, const NoiseOptions& options, QueryFit& fit,
                      HeadMetrics& out) {
  QueryNoise noise = measure_noise(queries, fit, options);
  out.q_resid0_skew = noise.resid0_skew;
  out.q_resid0_kurt = noise.resid0_kurt;
  out.q_resid0_ks_p = noise.resid0_ks_p;
  out.q_noise_med_abs_skew = noise.med_abs_skew;
  out.q_noise_med_abs_kurt = noise.med_abs_kurt;
  out.q_noise_med_ks_p = noise.med_ks_p;
  out.q_noise_frac_ks_p_lt_alpha = noise.frac_ks_p_lt_alpha;
  return noise;
}

// None without example ids, unless error bars need them. Throws Error then.
std::optional<DocumentIndex> documents_of(const MeasureOptions& options, const HeadTable& queries,
                                          const HeadTable& keys) {
  const bool has_ids = !queries.example_ids.empty() && !keys.example_ids.empty();
  if (!has_ids && !options.error_bars.wanted()) return {};
  return index_documents(queries, keys);
}

// Everything that the methods say, and the error bars of all metrics.
void fill_plasticity(const PlasticityInput& input, const NoiseOptions& noise, const HeadRope* rope,
                     HeadMetrics& out) {
  const MeasureOptions& options = input.options;
  std::optional<ResampleCounts> counts;
  if (input.documents != nullptr) out.num_documents = input.documents->num_documents();
  if (options.error_bars.wanted()) {
    counts = ResampleCounts::of_options(out.num_documents, options.error_bars, options.seed);
    out.document_ids = input.documents->ids;
  }
  if (!options.compat_reference) {
    const SeedWords seed = score_pairs_seed(options, out.layer, out.q_head);
    out.diagnostics = measure_diagnostics({input, seed, rope, counts ? &*counts : nullptr});
  }
  std::vector<MethodMeasurement> methods = measure_methods(input, counts ? &*counts : nullptr);
  MethodMeasurement& primary = methods.front();
  out.ap_overall = primary.result.ap_overall;
  out.num_passed_over = primary.plasticity.num_passed_over;
  if (counts) out.intervals = head_intervals(input, noise, out, *counts, methods);
  out.buckets = std::move(primary.plasticity.buckets);
  for (MethodMeasurement& method : methods) out.methods.push_back(std::move(method.result));
}

// REQUIRES: `out` has its diagnostics.
void fill_profile(const PlasticityInput& input, const QueryNoise& noise,
                  const NoiseOptions& options, const VectorMoments* key_moments, HeadMetrics& out) {
  const VectorMoments of_keys =
      key_moments != nullptr ? VectorMoments() : vector_moments(input.keys);
  out.profile = measure_profile({.head = input,
                                 .noise = noise,
                                 .residuals = *options.residuals,
                                 .ks_dims = options.ks_dims,
                                 .rope_pairs = out.diagnostics->rope_pairs,
                                 .key_moments = key_moments != nullptr ? *key_moments : of_keys,
                                 .layer = out.layer});
}

}  // namespace

HeadMetrics measure_head(const MeasureOptions& options, const HeadId& head,
                         const HeadTable& queries, const HeadTable& keys,
                         const KeyGroups& key_groups, const BucketRanges& ranges,
                         const HeadRope* rope, const VectorMoments* key_moments) {
  QK_CHECK(!options.profile_points || !options.compat_reference);
  if (queries.num_rows() == 0) fail("has no query");
  if (keys.num_rows() == 0) fail("has no key");
  if (queries.head_dim != keys.head_dim) {
    fail("queries have vectors of {} numbers, keys of {}", queries.head_dim, keys.head_dim);
  }
  HeadMetrics out;
  out.layer = head.layer;
  out.q_head = head.q_head;
  out.k_head = head.k_head;
  out.num_queries = queries.num_rows();
  out.num_keys = keys.num_rows();
  out.head_dim = queries.head_dim;
  out.ranges = ranges;
  out.window = queries.window;
  out.error_bars = options.error_bars;
  QueryFit fit = fit_queries(queries, options.compat_reference);
  fill_fit(queries, fit, options.compat_reference, out);
  const std::vector<int64_t> dims = noise_dims(options, head, queries.head_dim);
  const NoiseOptions noise{
      .compat_reference = options.compat_reference, .p_alpha = options.p_alpha, .ks_dims = dims};
  std::vector<double> residuals;
  NoiseOptions with_residuals = noise;
  if (options.profile_points) with_residuals.residuals = &residuals;
  const QueryNoise measured = fill_noise(queries, with_residuals, fit, out);
  const SeedWords seed = key_pairs_seed(options, head.layer, head.q_head);
  const std::optional<DocumentIndex> documents = documents_of(options, queries, keys);
  const PlasticityInput input{options, queries, keys, key_groups,
                              fit,     ranges,  seed, documents ? &*documents : nullptr};
  fill_plasticity(input, noise, rope, out);
  if (options.profile_points) fill_profile(input, measured, with_residuals, key_moments, out);
  return out;
}

}  // namespace qk
