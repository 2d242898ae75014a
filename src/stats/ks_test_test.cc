#include "stats/ks_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/test_vectors.h"
#include "stats/normal_cdf.h"
#include "stats/test_numbers.h"

namespace qk {
namespace {

using Json = nlohmann::json;

TEST(KsPValue, GivesScipysValueInEveryBranch) {
  const nlohmann::json vectors = load_vectors("plasticity/ks_sf.json");
  for (const Json& row : vectors["rows"]) {
    const double expected = number_of(row[2]);
    EXPECT_NEAR(ks_p_value(row[0], row[1]), expected, 1e-11) << row;
  }
}

TEST(KsPValue, KeepsSmallTailsToTheLastDigits) {
  const nlohmann::json vectors = load_vectors("plasticity/ks_sf.json");
  for (const Json& row : vectors["rows"]) {
    const double expected = number_of(row[2]);
    if (!row[3].get<std::string>().starts_with("smirnov") || expected < 1e-280) continue;
    EXPECT_NEAR(ks_p_value(row[0], row[1]) / expected, 1, 1e-11) << row;
  }
}

double sorted_statistic(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  const auto n = static_cast<double>(p.size());
  double distance = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    distance = std::max(
        {distance, static_cast<double>(i + 1) / n - p[i], p[i] - static_cast<double>(i) / n});
  }
  return distance;
}

TEST(KsStatistic, IsThatOfTheSortedSample) {
  KsStatistic statistic;
  VectorStream stream(5);
  for (const size_t n : {1U, 2U, 3U, 7U, 100U, 1001U, 30000U}) {
    for (const double power : {0.2, 1.0, 4.0}) {
      std::vector<double> p(n);
      for (double& x : p) x = std::pow(stream.uniform(), power);
      EXPECT_NEAR(statistic(p), sorted_statistic(p), 1e-15) << n;
      std::fill(p.begin(), p.end(), 1.0);
      EXPECT_EQ(statistic(p), 1.0);
      std::fill(p.begin(), p.end(), 0.5);
      EXPECT_EQ(statistic(p), 0.5);
    }
  }
}

TEST(KsStatistic, GivesTheOriginalsValueOnItsSamples) {
  KsStatistic statistic;
  int num_cases = 0;
  const nlohmann::json vectors = load_vectors("plasticity/ks_samples.json");
  for (const Json& c : vectors["cases"]) {
    const auto n = c["n"].get<int64_t>();
    EXPECT_NEAR(ks_p_value(n, c["D"]), number_of(c["p"]), 1e-11) << c;
    if (c.contains("data")) continue;
    VectorStream stream(c["stream_seed"].get<uint64_t>());
    std::vector<double> z(static_cast<size_t>(n));
    for (double& x : z) {
      x = stream.gauss12() * c["scale"].get<double>() + c["shift"].get<double>();
    }
    EXPECT_EQ(z[0], c["z_first"][0].get<double>());
    normal_cdf(z, 1, z);
    EXPECT_NEAR(statistic(z), c["D"].get<double>(), 2e-15) << c;
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 30);
}

}  // namespace
}  // namespace qk
