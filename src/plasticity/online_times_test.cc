#include "plasticity/online_times.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace qk {
namespace online_times_test {

HeadTable rows(const std::vector<int64_t>& positions, int64_t bucket_width) {
  HeadTable out;
  out.head_dim = 1;
  out.positions = positions;
  for (const int64_t position : positions) out.buckets.push_back(position / bucket_width);
  out.example_ids.assign(positions.size(), 7);
  out.vectors.assign(positions.size(), 1.0F);
  return out;
}

std::set<int64_t> rows_drawn(const HeadTable& queries, const HeadTable& keys) {
  MethodOptions options;
  options.online_reach = 1;
  std::set<int64_t> out;
  for (const OnlineTime& time : online_times(queries, keys, options, 200, seed_words(1))) {
    for (const KeyPair& pair : time.pairs) {
      out.insert(pair.first);
      out.insert(pair.second);
    }
  }
  return out;
}

// Up to the position itself, and less than `window` tokens back.
TEST(OnlineTimes, PairKeysThatTheQueryAttendsTo) {
  HeadTable queries = rows({100}, 1000);
  const HeadTable keys = rows({89, 90, 91, 95, 100, 101}, 1000);
  EXPECT_EQ(rows_drawn(queries, keys), (std::set<int64_t>{0, 1, 2, 3, 4}));
  queries.window = 10;
  EXPECT_EQ(rows_drawn(queries, keys), (std::set<int64_t>{2, 3, 4}));
  queries.window = 0;  // no window
  EXPECT_EQ(rows_drawn(queries, keys), (std::set<int64_t>{0, 1, 2, 3, 4}));
}

TEST(OnlineTimes, LieWhereEqualPartsOfABucketsQueriesEnd) {
  const HeadTable queries = rows({12, 3, 1, 2, 8, 15, 15}, 10);
  const auto positions = [&](int64_t per_bucket) {
    MethodOptions options;
    options.online_times = per_bucket;
    std::vector<int64_t> out;
    for (const OnlineTime& time : online_times(queries, queries, options, 1, seed_words(1))) {
      EXPECT_EQ(time.q_bucket, time.position / 10);
      out.push_back(time.position);
    }
    return out;
  };
  EXPECT_EQ(positions(1), (std::vector<int64_t>{8, 15}));
  EXPECT_EQ(positions(2), (std::vector<int64_t>{2, 8, 15}));  // 15 holds two thirds
  EXPECT_EQ(positions(3), (std::vector<int64_t>{2, 3, 8, 12, 15}));
}

TEST(OnlineAlpha, IsOneOfTheOptionsOrFollowsFromThePositions) {
  const HeadTable queries = rows({3, 99, 50}, 10);
  MethodOptions options;
  EXPECT_NEAR(std::pow(1 - online_alpha(options, queries, 0), 5), 0.5, 1e-12);  // 0.05 * 100
  EXPECT_NEAR(online_alpha(options, rows({3}, 10), 0), 0.5, 1e-12);             // at least 1 token
  options.online_half_life = 20;
  EXPECT_NEAR(std::pow(1 - online_alpha(options, queries, 0), 20), 0.5, 1e-12);
  options.online_alpha = 0.3;
  EXPECT_EQ(online_alpha(options, queries, 0), 0.3);
}

TEST(StepClock, CountsTokensOrPositionsWithQueries) {
  const HeadTable queries = rows({10, 14, 14, 12}, 10);
  const StepClock tokens(OnlineClock::kPosition, queries);
  EXPECT_EQ(tokens.at(10), 1);
  EXPECT_EQ(tokens.at(14), 5);
  const StepClock observations(OnlineClock::kObservation, queries);
  EXPECT_EQ(observations.at(10), 1);
  EXPECT_EQ(observations.at(14), 3);
}

}  // namespace online_times_test
}  // namespace qk
