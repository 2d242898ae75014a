// How often do the error bars hold the truth? Tries every method on many samples of heads whose
// plasticity is known, and prints a table as in docs/methods.md.
//
//   coverage [samples] [documents] [draws] [head] [method]
#include <fmt/core.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "heads/document_index.h"
#include "known_heads.h"
#include "plasticity/head_seeds.h"
#include "plasticity/measure_head.h"
#include "plasticity/method_replicates.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/query_noise.h"
#include "stats/bootstrap_interval.h"
#include "stats/resample_counts.h"

namespace qk {
namespace {

struct Method {
  const char* label;
  const char* name;
  Covariance covariance;
};
constexpr Method kMethods[] = {{"linear, diagonal", "linear", Covariance::kDiagonal},
                               {"linear, full", "linear", Covariance::kFull},
                               {"bucket", "bucket", Covariance::kFull},
                               {"online", "online", Covariance::kFull}};
constexpr double kHalfLife = 64;

struct Result {  // of one sample
  double estimate = 0;
  Interval percentile;
  Interval corrected;
};

Result measure(const Method& method, const KnownTables& tables, int64_t width, int64_t draws,
               int64_t seed) {
  MeasureOptions config;
  config.method = method.name;
  config.covariance = method.covariance;
  config.seed = seed;
  config.method_options.online_half_life = kHalfLife;
  const KeyGroups groups(tables.keys);
  const BucketRanges ranges = BucketRanges::uniform(width);
  QueryFit fit = fit_queries(tables.queries, config.compat_reference);
  measure_noise(tables.queries, fit, {});
  const PlasticityInput input{
      config, tables.queries, tables.keys, groups, fit, ranges, key_pairs_seed(config, 0, 0)};
  const DocumentIndex documents = index_documents(tables.queries, tables.keys);
  const ResampleCounts counts(documents.num_documents(), draws, seed);
  const PlasticityReplicates found =
      find_method(method.name).replicates({input, documents, counts});
  const std::span<const double> values = std::span(found.ap_overall).subspan(1);
  BootstrapOptions options;
  Result out;
  out.estimate = found.ap_overall[0];
  out.percentile = bootstrap_interval(out.estimate, values, options);
  options.interval = IntervalKind::kBiasCorrected;
  out.corrected = bootstrap_interval(out.estimate, values, options);
  return out;
}

void report(const KnownHead& head, const Method& method, double truth, double target,
            const std::vector<Result>& results) {
  const auto n = static_cast<double>(results.size());
  double mean = 0;
  double squares = 0;
  double width = 0;
  int held = 0;
  int held_corrected = 0;
  for (const Result& r : results) {
    mean += r.estimate / n;
    squares += r.estimate * r.estimate / n;
    width += (r.percentile.high - r.percentile.low) / n;
    held += r.percentile.low <= target && target <= r.percentile.high ? 1 : 0;
    held_corrected += r.corrected.low <= target && target <= r.corrected.high ? 1 : 0;
  }
  const double deviation = std::sqrt(std::max(0.0, squares - mean * mean) * n / (n - 1));
  fmt::print("| {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.4f} | {:.4f} | {:.1f} % | {:.1f} % |\n",
             head.name, method.label, truth, target, mean, deviation, width, 100 * held / n,
             100 * held_corrected / n);
  std::fflush(stdout);
}

struct Extent {
  int64_t samples = 400;
  int64_t documents = 100;
  int64_t draws = 200;
  std::string method;  // empty: all
};

void measure_all(const KnownHead& head, const Extent& extent) {
  const KnownHeadSource source(head);
  const double truth = source.truth();
  ThreadPool pool(1);
  for (const Method& method : kMethods) {
    if (!extent.method.empty() && extent.method != method.label) continue;
    double target = truth;
    if (std::string(method.name) == "online") {
      target = source.forgetting_truth(-std::expm1(-std::log(2.0) / kHalfLife));
    }
    std::vector<Result> results(static_cast<size_t>(extent.samples));
    pool.parallel_for(extent.samples, [&](int64_t i, int) {
      const KnownTables tables = source.sample(extent.documents, static_cast<uint64_t>(i) + 1);
      results[static_cast<size_t>(i)] = measure(method, tables, head.width, extent.draws, i);
    });
    report(head, method, truth, target, results);
  }
}

std::vector<KnownHead> known_heads() {
  return {
      {.name = "position-driven", .drift = 5},
      {.name = "content-driven", .start = 2},
      {.name = "pure content", .start = 0},
      {.name = "mixed", .start = 2, .drift = 4, .shared = 0.3, .unequal = true},
      {.name = "windowed", .drift = 5, .window = 128, .far_keys_aside = true},
      {.name = "rotated noise", .drift = 5, .rotated = true},
  };
}

}  // namespace
}  // namespace qk

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  qk::Extent extent;
  if (!words.empty()) extent.samples = std::stoll(words[0]);
  if (words.size() > 1) extent.documents = std::stoll(words[1]);
  if (words.size() > 2) extent.draws = std::stoll(words[2]);
  const std::string only = words.size() > 3 ? words[3] : "";
  if (words.size() > 4) extent.method = words[4];
  fmt::print(
      "| head | method | truth | target | mean estimate | its deviation | mean width | "
      "percentile holds | bias-corrected holds |\n| - | - | - | - | - | - | - | - | - |\n");
  for (const qk::KnownHead& head : qk::known_heads()) {
    if (only.empty() || head.name == only) qk::measure_all(head, extent);
  }
  return 0;
}
