#include "stats/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/test_vectors.h"
#include "stats/test_numbers.h"

namespace qk {
namespace {

using Json = nlohmann::json;

TEST(Moments, AreScipys) {
  const Json vectors = load_vectors("plasticity/moments.json");
  for (const Json& json : vectors["cases"]) {
    std::vector<double> x;
    if (json.contains("data")) {
      for (const Json& value : json["data"]) x.push_back(number_of(value));
    } else {
      VectorStream stream(json["stream_seed"].get<uint64_t>());
      for (int64_t i = 0; i < json["n"]; ++i) {
        x.push_back(std::pow(stream.gauss12(), json["power"].get<double>()));
      }
    }
    double mean = 0;
    for (const double value : x) mean += value / static_cast<double>(x.size());
    double sums[4] = {};
    for (const double value : x) {
      double power = 1;
      for (double& sum : sums) sum += power *= value - mean;
    }
    const CentralMoments moments = central_moments(std::ssize(x), sums);
    const double deviation = number_of(json["std_ddof1"]);
    if (std::isnan(deviation)) {
      EXPECT_TRUE(std::isnan(moments.variance()));
    } else {
      EXPECT_NEAR(std::sqrt(moments.variance()), deviation, 1e-9);
    }
    if (deviation < 1e-12) continue;  // rounding noise in scipy's sums
    const double skew = number_of(json["skew"]);
    const double kurtosis = number_of(json["kurtosis"]);
    if (std::isnan(skew)) continue;
    EXPECT_NEAR(skewness(moments), skew, 1e-9 * std::max(1.0, std::abs(skew))) << json["n"];
    if (std::isnan(kurtosis)) continue;
    EXPECT_NEAR(excess_kurtosis(moments), kurtosis, 1e-9 * std::max(1.0, std::abs(kurtosis)));
  }
}

}  // namespace
}  // namespace qk
