#include "plasticity/position_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "plasticity/test_replicates.h"

namespace qk {
namespace position_share_test {

DocumentBuckets spread_of(const HeadTable& table, const QueryFit& fit) {
  return spread_rows(table, document_numbers(table), fit.centered_positions);
}

PositionSquares squares_of(const HeadTable& table) {
  const QueryFit fit = fit_queries(table, false);
  return position_squares(table, fit, spread_of(table, fit));
}

// Squares of the bucket constants of the two-way fit by alternating projections: constants of
// documents and of buckets are fitted in turn until nothing moves.
struct NaiveSquares {
  double buckets = 0;
  double line = 0;
};
NaiveSquares naive_squares(const HeadTable& table) {
  NaiveSquares out;
  const auto rows = static_cast<size_t>(table.num_rows());
  std::map<int64_t, double> count;
  std::map<int64_t, double> position;
  double mean_position = 0;
  for (size_t i = 0; i < rows; ++i) {
    count[table.buckets[i]] += 1;
    position[table.buckets[i]] += static_cast<double>(table.positions[i]);
    mean_position += static_cast<double>(table.positions[i]) / static_cast<double>(rows);
  }
  for (auto& [bucket, sum] : position) sum = sum / count[bucket] - mean_position;
  for (int64_t j = 0; j < table.head_dim; ++j) {
    std::map<int64_t, double> document_constant;
    std::map<int64_t, double> bucket_constant;
    const auto fit_one = [&](const std::vector<int64_t>& ids, std::map<int64_t, double>& out_of,
                             const std::vector<int64_t>& other_ids,
                             std::map<int64_t, double>& other) {
      std::map<int64_t, std::pair<double, double>> sums;
      for (size_t i = 0; i < rows; ++i) {
        auto& sum = sums[ids[i]];
        sum.first +=
            static_cast<double>(table.vector(static_cast<int64_t>(i))[static_cast<size_t>(j)]) -
            other[other_ids[i]];
        sum.second += 1;
      }
      for (const auto& [id, sum] : sums) out_of[id] = sum.first / sum.second;
    };
    for (int step = 0; step < 3000; ++step) {
      fit_one(table.example_ids, document_constant, table.buckets, bucket_constant);
      fit_one(table.buckets, bucket_constant, table.example_ids, document_constant);
    }
    double mean = 0;
    for (const auto& [bucket, constant] : bucket_constant) {
      mean += count[bucket] * constant / static_cast<double>(rows);
    }
    double products = 0;
    double squares = 0;
    for (const auto& [bucket, constant] : bucket_constant) {
      out.buckets += count[bucket] * (constant - mean) * (constant - mean);
      products += count[bucket] * position[bucket] * constant;
      squares += count[bucket] * position[bucket] * position[bucket];
    }
    out.line += products * products / squares;
  }
  return out;
}

// The rows of every document in another order.
HeadTable shuffled(const HeadTable& table, std::mt19937& engine) {
  HeadTable out = table;
  std::map<int64_t, std::vector<size_t>> rows;
  for (size_t i = 0; i < table.example_ids.size(); ++i) rows[table.example_ids[i]].push_back(i);
  for (auto& [document, of_document] : rows) {
    std::vector<size_t> order = of_document;
    std::shuffle(order.begin(), order.end(), engine);
    for (size_t i = 0; i < order.size(); ++i) {
      std::copy_n(table.vector(static_cast<int64_t>(order[i])).begin(), table.head_dim,
                  out.vectors.begin() + static_cast<ptrdiff_t>(of_document[i]) * table.head_dim);
    }
  }
  return out;
}

// Documents of unequal lengths: `first` has rows in the first buckets only.
TestHeadShape uneven() { return {.documents = 7, .buckets = 5, .most_rows = 4, .rare_after = 3}; }

TEST(PositionShare, IsThatOfTheTwoWayFit) {
  const HeadTable table = random_table(uneven(), 3);
  const PositionSquares found = squares_of(table);
  const NaiveSquares expected = naive_squares(table);
  EXPECT_NEAR(found.all.buckets, expected.buckets, 1e-8 * expected.buckets);
  EXPECT_NEAR(found.line, expected.line, 1e-8 * expected.line);
  EXPECT_EQ(found.freedom, 4);
  double sum = 0;
  for (const ExplainedSquares& component : found.components) sum += component.buckets;
  EXPECT_NEAR(sum, found.all.buckets, 1e-9 * sum);
}

// With as many rows of every document in every bucket the constants are the plain bucket means.
TEST(PositionShare, OfEvenDocumentsIsThatOfTheBucketMeans) {
  const HeadTable table = random_table({.documents = 6, .buckets = 4, .most_rows = 2}, 8);
  const auto rows = static_cast<size_t>(table.num_rows());
  double between = 0;
  for (int64_t j = 0; j < table.head_dim; ++j) {
    std::map<int64_t, double> sums;
    std::map<int64_t, double> counts;
    double mean = 0;
    for (size_t i = 0; i < rows; ++i) {
      const double x =
          table.vectors[i * static_cast<size_t>(table.head_dim + 0) + static_cast<size_t>(j)];
      sums[table.buckets[i]] += x;
      counts[table.buckets[i]] += 1;
      mean += x / static_cast<double>(rows);
    }
    for (const auto& [bucket, sum] : sums) {
      const double deviation = sum / counts[bucket] - mean;
      between += counts[bucket] * deviation * deviation;
    }
  }
  EXPECT_NEAR(squares_of(table).all.buckets, between, 1e-6 * between);
}

// Chance is the mean over random orders of the rows within their documents.
TEST(PositionShare, ChanceIsTheMeanOverOrdersWithinDocuments) {
  const HeadTable table = random_table(uneven(), 4);
  const PositionSquares found = squares_of(table);
  std::mt19937 engine(5);
  constexpr int kOrders = 4000;
  std::vector<double> buckets;
  std::vector<double> lines;
  for (int order = 0; order < kOrders; ++order) {
    const PositionSquares squares = squares_of(shuffled(table, engine));
    buckets.push_back(squares.all.buckets);
    lines.push_back(squares.line);
  }
  const auto expect_mean = [](const std::vector<double>& values, double expected) {
    double mean = 0;
    double square = 0;
    for (const double value : values) mean += value / kOrders;
    for (const double value : values) square += (value - mean) * (value - mean);
    const double error = std::sqrt(square / kOrders / kOrders);
    EXPECT_NEAR(mean, expected, 4 * error);
    EXPECT_LT(error, 0.02 * expected);
  };
  expect_mean(buckets, found.all.chance);
  expect_mean(lines, found.line_chance);
}

// A head whose share is known: documents of unequal lengths and characters, drift in component 0.
struct KnownShare {
  int64_t documents = 40;
  int64_t buckets = 8;
  int64_t rows = 4;       // of a document in a bucket
  double drift = 0;       // deviation of the drift over all rows
  double character = 1;   // deviation of the documents' constants
  bool is_uneven = true;  // every second document ends in the middle
};
HeadTable known_share(const KnownShare& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  constexpr int64_t kWidth = 64;
  HeadTable out;
  out.head_dim = 4;
  std::vector<double> constants;
  for (int64_t d = 0; d < shape.documents; ++d) {
    const int64_t reach = shape.is_uneven && d % 2 == 1 ? shape.buckets / 2 : shape.buckets;
    std::vector<double> character(4);
    for (double& x : character) x = shape.character * normal(engine);
    for (int64_t b = 0; b < reach; ++b) {
      for (int64_t i = 0; i < shape.rows; ++i) {
        out.positions.push_back(b * kWidth + static_cast<int64_t>(engine() % kWidth));
        out.buckets.push_back(b);
        out.example_ids.push_back(d);
        for (size_t j = 0; j < 4; ++j) {
          const double place = static_cast<double>(b) / static_cast<double>(shape.buckets);
          const double drift = j == 0 ? shape.drift * place : 0.0;
          out.vectors.push_back(static_cast<float>(character[j] + drift + normal(engine)));
        }
      }
    }
  }
  return out;
}

struct SampledShares {
  double mean = 0;
  double held = 0;  // by the 95 % intervals
};
SampledShares sample_shares(const KnownShare& shape, double truth, const ErrorBarOptions& options) {
  constexpr int kSamples = 100;
  SampledShares out;
  for (int sample = 0; sample < kSamples; ++sample) {
    const HeadTable table = known_share(shape, static_cast<uint32_t>(100 + sample));
    const QueryFit fit = fit_queries(table, false);
    const DocumentBuckets spread = spread_of(table, fit);
    const auto counts = ResampleCounts::of_options(shape.documents, options, sample);
    std::vector<double> shares = position_share_replicates(table, fit, spread, counts);
    out.mean += shares.front() / kSamples;
    const Interval interval =
        document_interval(shares.front(), std::span(shares).subspan(1),
                          static_cast<double>(shape.documents), ValueScale::kReal, options);
    out.held += interval.low <= truth && truth <= interval.high ? 1.0 / kSamples : 0;
  }
  return out;
}

const ErrorBarOptions kErrorBars[] = {{.kind = ErrorBars::kJackknife},
                                      {.kind = ErrorBars::kBootstrap, .replicates = 200}};

TEST(PositionShare, WithoutPositionIsZeroOnAverageAndItsIntervalsHoldZero) {
  for (const ErrorBarOptions& options : kErrorBars) {
    const SampledShares found = sample_shares({.drift = 0}, 0, options);
    EXPECT_NEAR(found.mean, 0, 0.001);
    EXPECT_GT(found.held, 0.9);
  }
}

// Of documents that are alike: the drift's variance over all variance.
TEST(PositionShare, OfADriftIsItsShareOfTheVariance) {
  const KnownShare shape{.drift = 3, .character = 0};
  double mean = 0;
  double square = 0;
  double rows = 0;
  for (int b = 0; b < 8; ++b) {
    const double weight = b < 4 ? 2 : 1;  // every second document ends in the middle
    rows += weight;
    mean += weight * b;
    square += weight * b * b;
  }
  const double variance = 9 * (square / rows - mean * mean / rows / rows) / 64;
  const double truth = variance / (variance + 4);
  for (const ErrorBarOptions& options : kErrorBars) {
    const SampledShares found = sample_shares(shape, truth, options);
    EXPECT_NEAR(found.mean, truth, 0.002);
    EXPECT_GT(found.held, 0.88);
  }
  EXPECT_GT(squares_of(known_share(shape, 1)).line_share(), 0.97);
}

// What only some documents reach is not position: the short ones have other characters.
TEST(PositionShare, LeavesOutWhichDocumentsReachABucket) {
  HeadTable table = known_share({.character = 0.1}, 7);
  for (size_t row = 0; row < table.example_ids.size(); ++row) {
    if (table.example_ids[row] % 2 == 1) table.vectors[4 * row] += 3;
  }
  const PositionSquares found = squares_of(table);
  EXPECT_NEAR(found.all.share(), 0, 0.01);
  EXPECT_TRUE(std::isnan(found.line_share()));
}

// A turn by whole periods over the document has no straight part.
TEST(PositionShare, OfATurnIsNotTheLines) {
  HeadTable table = known_share({.character = 0, .is_uneven = false}, 9);
  for (size_t row = 0; row < table.buckets.size(); ++row) {
    const double angle = 2 * 3.14159265358979 * static_cast<double>(table.buckets[row]) / 4;
    table.vectors[4 * row] += static_cast<float>(2 * std::cos(angle));
    table.vectors[4 * row + 1] += static_cast<float>(2 * std::sin(angle));
  }
  const PositionSquares found = squares_of(table);
  EXPECT_NEAR(found.all.share(), 0.5, 0.02);  // 4 of 4 + 4
  EXPECT_LT(found.line_share(), 0.25);
}

// A replicate is the share of the repeated rows, but for chance, which counts copies together.
TEST(PositionShare, ReplicatesCountDocuments) {
  const ReplicatedHead head(options_of("bucket"), uneven());
  const DocumentBuckets spread =
      spread_rows(head.queries, head.documents.of_query, head.fit.centered_positions);
  const std::vector<double> found =
      position_share_replicates(head.queries, head.fit, spread, head.counts);
  ASSERT_EQ(std::ssize(found), 21);
  EXPECT_NEAR(found[0], squares_of(head.queries).all.share(), 1e-9);
  for (int64_t r = 1; r <= 20; ++r) {
    // Copies as documents of their own, and the chance of each counted as often again.
    HeadTable copies;
    copies.head_dim = head.queries.head_dim;
    std::map<int64_t, double> times;
    for (int64_t row = 0; row < head.queries.num_rows(); ++row) {
      const int64_t document = head.documents.of_query[static_cast<size_t>(row)];
      for (int64_t copy = 0; copy < static_cast<int64_t>(head.counts.at(r, document)); ++copy) {
        const HeadTable one = take_rows(head.queries, std::vector<int64_t>{row});
        copies.positions.push_back(one.positions[0]);
        copies.buckets.push_back(one.buckets[0]);
        copies.example_ids.push_back(document * 100 + copy);
        copies.vectors.insert(copies.vectors.end(), one.vectors.begin(), one.vectors.end());
        times[document * 100 + copy] = head.counts.at(r, document);
      }
    }
    const ExplainedSquares plain = squares_of(copies).all;
    // Twice the mean over orders that each copy has for itself, if all are drawn twice, and so on:
    // from chance of one document at a time.
    double chance = 0;
    const QueryFit fit = fit_queries(copies, false);
    const DocumentBuckets copied = spread_of(copies, fit);
    const PositionSquares all = position_squares(copies, fit, copied);
    for (const auto& [document, count] : times) {
      HeadTable still = copies;  // the rows of the other documents do not vary
      for (size_t row = 0; row < still.example_ids.size(); ++row) {
        if (still.example_ids[row] == document) continue;
        std::fill_n(still.vectors.begin() + static_cast<ptrdiff_t>(row) * still.head_dim,
                    still.head_dim, 0.0F);
      }
      chance += count * squares_of(still).all.chance;
    }
    const double expected = (plain.buckets - chance) / (plain.total - all.all.chance);
    EXPECT_NEAR(found[static_cast<size_t>(r)], expected, 1e-6) << r;
  }
}

TEST(PositionShare, NothingCanBeSaidWithoutDocumentsInTwoBuckets) {
  HeadTable table = random_table(uneven(), 4);
  table.example_ids.clear();  // every row is its own document
  EXPECT_EQ(squares_of(table).freedom, 0);
  HeadTable one_bucket = random_table({.buckets = 1}, 4);
  EXPECT_EQ(squares_of(one_bucket).freedom, 0);
  EXPECT_TRUE(std::isnan(squares_of(one_bucket).line_share()));
}

}  // namespace position_share_test
}  // namespace qk
