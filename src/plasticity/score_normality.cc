#include "plasticity/score_normality.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "heads/gathered_rows.h"
#include "heads/row_runs.h"
#include "plasticity/bucket_pairs.h"
#include "plasticity/score_moments.h"
#include "random/numpy_rng.h"
#include "stats/ks_test.h"
#include "stats/lilliefors.h"
#include "stats/moments.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

// The pairs of every query bucket: kScorePairs of those that are drawn for its cells.
std::map<int64_t, std::vector<KeyPair>> draw_score_pairs(const PlasticityInput& input,
                                                         const SeedWords& seed) {
  MeasureOptions options = input.options;
  options.compat_reference = false;
  options.num_pairs_per_bucket = kScorePairs;
  const PlasticityInput draws{options,   input.queries, input.keys, input.key_groups,
                              input.fit, input.ranges,  seed};
  std::map<int64_t, std::vector<KeyPair>> out;
  for_each_bucket_pair(draws, [&](const BucketPairDraw& draw) {
    std::vector<KeyPair>& pairs = out[draw.time.bucket];
    pairs.insert(pairs.end(), draw.pairs.begin(), draw.pairs.end());
  });
  NumpyGenerator generator(seed);
  for (auto& [bucket, pairs] : out) {
    const int64_t all = std::ssize(pairs);
    std::vector<KeyPair> chosen;
    for (const int64_t i : generator.choice(all, std::min(all, kScorePairs))) {
      chosen.push_back(pairs[static_cast<size_t>(i)]);
    }
    pairs = std::move(chosen);
  }
  return out;
}

std::vector<int64_t> evenly_spaced(std::span<const int64_t> rows) {
  const int64_t all = std::ssize(rows);
  const int64_t count = std::min(all, kScoreRows);
  std::vector<int64_t> out;
  out.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) out.push_back(rows[static_cast<size_t>(i * all / count)]);
  return out;
}

class NormalityMean {
 public:
  // Overwrites the scores.
  void add(std::span<double> scores) {
    const auto n = static_cast<double>(scores.size());
    double mean = 0;
    for (const double score : scores) mean += score / n;
    double powers[4] = {};
    for (double& score : scores) {
      score -= mean;
      const double square = score * score;
      powers[0] += score;
      powers[1] += square;
      powers[2] += square * score;
      powers[3] += square * square;
    }
    const CentralMoments moments = central_moments(std::ssize(scores), powers);
    const double variance = moments.variance();
    if (!(variance > kRounding * mean * mean)) return;
    normal_cdf(scores, 1 / std::sqrt(variance), scores);
    ++count_;
    sum_.ks_distance += statistic_(scores);
    sum_.ks_floor += lilliefors_mean_distance(std::ssize(scores));
    sum_.abs_skew += std::abs(skewness(moments));
    sum_.kurtosis += excess_kurtosis(moments);
  }

  ScoreNormality mean() const {
    if (count_ == 0) return {};
    const auto n = static_cast<double>(count_);
    return {sum_.ks_distance / n, sum_.ks_floor / n, sum_.abs_skew / n, sum_.kurtosis / n};
  }

 private:
  static constexpr double kRounding = 1e-20;  // of (q . w)^2, with float32 vectors
  KsStatistic statistic_;
  ScoreNormality sum_{0, 0, 0, 0};
  int64_t count_ = 0;
};

}  // namespace

ScoreNormality score_normality(const PlasticityInput& input, const SeedWords& seed) {
  const std::map<int64_t, std::vector<KeyPair>> pairs = draw_score_pairs(input, seed);
  const std::vector<int64_t> sorted = sorted_rows(input.queries.buckets);
  NormalityMean out;
  for (const RowRun& bucket : row_runs(input.queries.buckets, sorted)) {
    const auto found = pairs.find(bucket.value);
    if (found == pairs.end() || std::ssize(bucket.rows) < kFewestScores) continue;
    const std::vector<int64_t> rows = evenly_spaced(bucket.rows);
    const GatheredRows queries(input.queries, rows);
    const VectorBlocks differences = difference_blocks(input.keys, found->second);
    std::vector<double> products(rows.size() * kBlockWidth);
    std::vector<double> scores(rows.size());
    for (int64_t pair = 0; pair < differences.count; ++pair) {
      if (pair % kBlockWidth == 0) {
        multiply_block(queries.view().data(), differences.depth, std::ssize(rows),
                       differences.depth, differences.block(pair / kBlockWidth), products.data());
      }
      if (equal_keys(differences, pair)) continue;
      for (size_t i = 0; i < scores.size(); ++i) {
        scores[i] = products[i * kBlockWidth + static_cast<size_t>(pair % kBlockWidth)];
      }
      out.add(scores);
    }
  }
  return out.mean();
}

}  // namespace qk
