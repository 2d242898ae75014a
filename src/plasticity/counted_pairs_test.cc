// The method `counted` against the naive count, and its replicates against repeated rows.
#include "plasticity/counted_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "plasticity/bucket_pair_walk.h"
#include "plasticity/method_replicates.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace counted_pairs_test {

double naive_score(const HeadTable& queries, int64_t row, const HeadTable& keys,
                   const KeyPair& pair) {
  double sum = 0;
  for (size_t j = 0; j < static_cast<size_t>(keys.head_dim); ++j) {
    sum += static_cast<double>(queries.vector(row)[j]) *
           (static_cast<double>(keys.vector(pair.first)[j]) -
            static_cast<double>(keys.vector(pair.second)[j]));
  }
  return sum;
}

// Twice the share of disagreeing ones among all ordered pairs of different queries; a tie is half
// a vote for each key.
double naive_plasticity(const std::vector<double>& scores) {
  const auto vote = [](double s) { return s > 0 ? 1.0 : s == 0 ? 0.5 : 0.0; };
  double disagreeing = 0;
  double all = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    for (size_t j = 0; j < scores.size(); ++j) {
      if (i == j) continue;
      const double a = vote(scores[i]);
      const double b = vote(scores[j]);
      disagreeing += a * (1 - b) + b * (1 - a);
      all += 1;
    }
  }
  return all == 0 ? kNotANumber : 2 * disagreeing / all;
}

// Queries of the bucket that are asked about the pair.
std::vector<double> asked(const ReplicatedHead& head, const HeadTable& queries, int64_t bucket,
                          const KeyPair& pair) {
  std::vector<double> out;
  const auto first = static_cast<size_t>(pair.first);
  const auto second = static_cast<size_t>(pair.second);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    const auto at = static_cast<size_t>(row);
    if (queries.buckets[at] != bucket) continue;
    if (head.options.counted_queries == CountedQueries::kSameDocument) {
      if (queries.example_ids[at] != head.keys.example_ids[first]) continue;
      const int64_t nearest = std::max(head.keys.positions[first], head.keys.positions[second]);
      const int64_t farthest = std::min(head.keys.positions[first], head.keys.positions[second]);
      if (queries.positions[at] < nearest) continue;
      if (queries.window && queries.positions[at] - farthest >= *queries.window) continue;
    }
    out.push_back(naive_score(queries, row, head.keys, pair));
  }
  return out;
}

// Mean over cells of the mean over pairs, each as often as the replicate has its document.
double naive_overall(const ReplicatedHead& head, int64_t replicate) {
  const HeadTable queries = head.repeated(replicate);
  const bool is_same = head.options.counted_queries == CountedQueries::kSameDocument;
  double sum = 0;
  double cells = 0;
  for_each_bucket_pair(head.input(), [&](const BucketPairDraw& draw) {
    double of_cell = 0;
    double weight = 0;
    for (const KeyPair& pair : draw.pairs) {
      // Asked of its own document, a pair does not depend on how often that is drawn.
      const double value =
          naive_plasticity(asked(head, is_same ? head.queries : queries, draw.time.bucket, pair));
      const double times = head.times(replicate, pair);
      if (std::isnan(value) || times == 0) continue;
      of_cell += times * value;
      weight += times;
    }
    if (weight == 0) return;
    sum += of_cell / weight;
    cells += 1;
  });
  return sum / cells;
}

MeasureOptions counted_options(CountedQueries queries) {
  MeasureOptions out = options_of("counted");
  out.counted_queries = queries;
  return out;
}

TEST(CountedPlasticity, IsTheShareOfDisagreeingPairsOfQueries) {
  EXPECT_TRUE(std::isnan(counted_plasticity(0, 0, 0)));
  EXPECT_TRUE(std::isnan(counted_plasticity(1, 1, 0)));
  EXPECT_EQ(counted_plasticity(2, 0, 0), 0);
  EXPECT_EQ(counted_plasticity(2, 1, 0), 2);  // unbiased, so it may exceed 1
  EXPECT_EQ(counted_plasticity(5, 0, 5), 1);  // nobody decides
  EXPECT_NEAR(counted_plasticity(5, 2, 1), naive_plasticity({1, 1, 0, -1, -1}), 1e-15);
}

// The mean over many small samples is the truth: 4 p (1 - p).
TEST(CountedPlasticity, IsNotBiased) {
  std::mt19937 engine(3);
  constexpr double kP = 0.2;
  std::bernoulli_distribution prefers(kP);
  constexpr int kSamples = 200000;
  double sum = 0;
  for (int s = 0; s < kSamples; ++s) {
    double preferring = 0;
    for (int i = 0; i < 3; ++i) preferring += prefers(engine) ? 1 : 0;
    sum += counted_plasticity(3, preferring, 0);
  }
  EXPECT_NEAR(sum / kSamples, 4 * kP * (1 - kP), 0.006);
}

TEST(Counted, EqualsTheNaiveCount) {
  for (const auto queries : {CountedQueries::kAll, CountedQueries::kSameDocument}) {
    for (const bool windowed : {false, true}) {
      HeadTable q = random_table({}, 1);
      HeadTable k = random_table({}, 2);
      if (windowed) q.window = k.window = 21;
      const ReplicatedHead head(counted_options(queries), q, k);
      const PlasticityResult found = find_method("counted").measure(head.input());
      EXPECT_NEAR(found.ap_overall, naive_overall(head, 0), 1e-12);
      for (const BucketPlasticity& cell : found.buckets) {
        EXPECT_GT(cell.queries, 0);
        EXPECT_GE(cell.pairs, cell.documents);
        EXPECT_EQ(cell.pairs == 0, std::isnan(cell.value));
      }
    }
  }
}

TEST(Counted, ReplicatesEqualTheNaiveCountOfRepeatedRows) {
  for (const auto queries : {CountedQueries::kAll, CountedQueries::kSameDocument}) {
    for (const TestHeadShape& shape : {TestHeadShape{}, TestHeadShape{.rare_after = 3}}) {
      const ReplicatedHead head(counted_options(queries), shape);
      const PlasticityInput input = head.input();
      const PlasticityReplicates found = counted_replicates({input, head.documents, head.counts});
      for (int64_t r = 0; r < head.counts.replicates(); ++r) {
        EXPECT_NEAR(found.ap_overall[static_cast<size_t>(r)], naive_overall(head, r), 1e-12)
            << "replicate " << r;
      }
    }
  }
}

// Queries of other documents say nothing about a pair if only its own document is asked.
TEST(Counted, SameDocumentAsksNoOther) {
  const ReplicatedHead head(counted_options(CountedQueries::kSameDocument));
  const double before = find_method("counted").measure(head.input()).ap_overall;
  HeadTable queries = head.queries;
  HeadTable keys = head.keys;
  for (size_t row = 0; row < queries.example_ids.size(); ++row) {
    if (queries.example_ids[row] != 100) continue;
    for (size_t j = 0; j < 5; ++j) queries.vectors[row * 5 + j] *= -3;  // turned, p becomes 1 - p
  }
  const ReplicatedHead turned(counted_options(CountedQueries::kSameDocument), queries, keys);
  EXPECT_NEAR(find_method("counted").measure(turned.input()).ap_overall, before, 1e-12);
  const ReplicatedHead all(counted_options(CountedQueries::kAll), queries, keys);
  const ReplicatedHead all_before(counted_options(CountedQueries::kAll));
  EXPECT_GT(std::abs(find_method("counted").measure(all.input()).ap_overall -
                     find_method("counted").measure(all_before.input()).ap_overall),
            1e-4);
}

// Normal queries: counted and bucket estimate the same number.
TEST(Counted, AgreesWithBucketOnNormalQueries) {
  const TestHeadShape shape = {.documents = 300, .most_rows = 4};
  const ReplicatedHead head(counted_options(CountedQueries::kAll), shape);
  const PlasticityInput input = head.input();
  EXPECT_NEAR(find_method("counted").measure(input).ap_overall,
              find_method("bucket").measure(input).ap_overall, 0.005);
}

}  // namespace counted_pairs_test
}  // namespace qk
