// ap_overall of every replicate, from sums over documents, against the same number from the
// repeated rows. `online` has a file of its own.
#include "plasticity/method_replicates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "heads/gathered_rows.h"
#include "heads/pair_kernels.h"
#include "plasticity/bucket_law.h"
#include "plasticity/bucket_pair_walk.h"
#include "plasticity/diagonal_law.h"
#include "plasticity/law_projection.h"
#include "plasticity/linear_law.h"
#include "plasticity/pair_plasticity.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace method_replicates_test {

// Rows of the bucket, and the mean of their positions.
struct BucketRows {
  std::vector<int64_t> rows;
  double mean_position = 0;
};

BucketRows rows_in(const HeadTable& table, int64_t bucket) {
  BucketRows out;
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    if (table.buckets[static_cast<size_t>(row)] != bucket) continue;
    out.rows.push_back(row);
    out.mean_position += static_cast<double>(table.positions[static_cast<size_t>(row)]);
  }
  out.mean_position /= static_cast<double>(out.rows.size());
  return out;
}

// ap_overall of a replicate: pairs of the sample, judged by `law` of the repeated queries.
double plasticity_of(const ReplicatedHead& head, int64_t replicate, const HeadTable& repeated,
                     QueryDistribution& law) {
  double sum = 0;
  double cells = 0;
  const PlasticityInput input = head.input();
  for_each_bucket_pair(input, [&](const BucketPairDraw& draw) {
    const BucketRows queries = rows_in(repeated, draw.time.bucket);
    if (queries.rows.empty()) return;
    std::vector<double> w(draw.pairs.size() * static_cast<size_t>(head.keys.head_dim));
    std::vector<double> means(draw.pairs.size());
    std::vector<double> variances(draw.pairs.size());
    subtract_keys(head.keys, draw.pairs, w);
    law.project({draw.time.bucket, queries.mean_position}, w, means, variances);
    double value = 0;
    double weight = 0;
    for (size_t n = 0; n < means.size(); ++n) {
      if (!(variances[n] > 0)) continue;
      const double times = head.times(replicate, draw.pairs[n]);
      value += times * pair_plasticity(means[n], variances[n]);
      weight += times;
    }
    if (weight == 0) return;
    sum += value / weight;
    cells += 1;
  });
  return sum / cells;
}

using MakeLaw = std::function<std::unique_ptr<QueryDistribution>(const HeadTable& repeated)>;

void expect_replicates(const ReplicatedHead& head, const MakeLaw& make_law) {
  const PlasticityInput input = head.input();
  const PlasticityMethod& method = find_method(head.options.methods.front());
  const PlasticityReplicates found = method.replicates({input, head.documents, head.counts});
  ASSERT_EQ(std::ssize(found.ap_overall), head.counts.replicates());
  EXPECT_NEAR(found.ap_overall[0], method.measure(input).ap_overall, 1e-12);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const HeadTable repeated = head.repeated(r);
    EXPECT_NEAR(found.ap_overall[static_cast<size_t>(r)],
                plasticity_of(head, r, repeated, *make_law(repeated)), 1e-10)
        << "replicate " << r;
  }
}

// Only the first two documents have rows in the last bucket: some replicates have none there.
constexpr TestHeadShape kRareBucket = {.rare_after = 3};

TEST(LinearReplicates, FullCovariance) {
  for (const bool reference : {false, true}) {
    QueryFit fit;
    const MakeLaw make_law = [&](const HeadTable& repeated) {
      fit = fit_queries(repeated, reference);
      return std::make_unique<LinearFullLaw>(repeated, fit);
    };
    const MeasureOptions options = options_of("linear", reference, Covariance::kFull);
    expect_replicates(ReplicatedHead(options), make_law);
    expect_replicates(ReplicatedHead(options, kRareBucket), make_law);
  }
}

TEST(LinearReplicates, DiagonalCovariance) {
  for (const bool reference : {false, true}) {
    const MeasureOptions options = options_of("linear", reference);
    for (const TestHeadShape& shape : {TestHeadShape{}, kRareBucket}) {
      const ReplicatedHead head(options, shape);
      QueryFit fit;
      expect_replicates(head, [&](const HeadTable& repeated) {
        fit = fit_queries(repeated, reference);
        measure_noise(repeated, fit, head.noise);
        return std::make_unique<DiagonalLaw>(fit, reference ? 1e-12 : 0);
      });
    }
  }
}

// Queries that never change have no variance: compat: reference takes 1e-12 for it in every
// rotated component, else no pair can be judged.
TEST(LinearReplicates, TheReferencesFloorOfAVariance) {
  constexpr TestHeadShape kShape = {.dim = 2};
  HeadTable queries = random_table(kShape, 1);
  for (size_t i = 0; i < queries.vectors.size(); ++i) queries.vectors[i] = i % 2 == 0 ? 5e-7F : 0;
  HeadTable keys = random_table(kShape, 2);
  for (size_t i = 1; i < keys.vectors.size(); i += 2) keys.vectors[i] = 0;
  for (const bool reference : {false, true}) {
    const ReplicatedHead head(options_of("linear", reference), queries, keys);
    const PlasticityInput input = head.input();
    const double expected = reference ? pair_plasticity(5e-7F, 1e-12) : kNotANumber;
    const auto expect_value = [&](double found) {
      if (reference) {
        EXPECT_NEAR(found, expected, 1e-12);
      } else {
        EXPECT_TRUE(std::isnan(found)) << found;
      }
    };
    expect_value(find_method("linear").measure(input).ap_overall);
    const auto found = linear_replicates({input, head.documents, head.counts}).ap_overall;
    for (const double value : found) expect_value(value);
  }
}

TEST(BucketReplicates, OwnCovariances) {
  MeasureOptions options = options_of("bucket");
  options.method_options.min_queries = 2;
  const MakeLaw make_law = [](const HeadTable& repeated) {
    return std::make_unique<BucketLaw>(repeated, 2);
  };
  expect_replicates(ReplicatedHead(options), make_law);
  expect_replicates(ReplicatedHead(options, kRareBucket), make_law);
}

// Means and own covariances are those of the repeated rows; which buckets have an own covariance,
// and the pooled one of the others, is decided by the sample.
class HeldBucketLaw final : public QueryDistribution {
 public:
  HeldBucketLaw(const ReplicatedHead& head, const HeadTable& repeated)
      : head_(head),
        sample_(head.queries, head.options.method_options.min_queries),
        repeated_(repeated) {}

  void project(const QueryTime& time, std::span<const double> differences, std::span<double> means,
               std::span<double> variances) override {
    const std::vector<int64_t> rows = rows_in(repeated_, time.bucket).rows;
    MomentSums sums(std::vector<double>(static_cast<size_t>(repeated_.head_dim)));
    sums.add(GatheredRows(repeated_, rows).view());
    GaussianLaw law{sums.mean(), sample_.pooled_covariance()};
    if (sample_.has_own_covariance(rows_in(head_.queries, time.bucket).rows)) {
      law.covariance = sums.scatter();
      for (double& value : law.covariance) value /= sums.weight() - 1;
    }
    project_law(law, differences, means, variances);
  }

 private:
  const ReplicatedHead& head_;
  BucketLaw sample_;
  const HeadTable& repeated_;
};

TEST(BucketReplicates, PooledCovariancesAreHeld) {
  for (const int64_t min_queries : {20, 1000}) {  // of the rare bucket, of all buckets
    MeasureOptions options = options_of("bucket");
    options.method_options.min_queries = min_queries;
    const ReplicatedHead head(options, kRareBucket);
    ASSERT_LT(rows_in(head.queries, 3).rows.size(), 20U);
    expect_replicates(head, [&](const HeadTable& repeated) {
      return std::make_unique<HeldBucketLaw>(head, repeated);
    });
  }
}

}  // namespace method_replicates_test
}  // namespace qk
