#include "page/derived_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "page/test_page.h"

namespace qk {
namespace derived_tables_test {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsNan;
using testing::Pointwise;

// One head with 30 queries, and one table more.
class WithTable : public TestAnalysis {
 public:
  WithTable(const char* name, const std::string& file, const std::string& text)
      : TestAnalysis(1, 1) {
    record["tables"][name] = file;
    write(file, text);
    write("head_metrics.csv",
          "layer,q_head,k_head,n_q_tokens,n_k_tokens,d_model,ap_overall\n0,0,0,30,30,64,0.5\n");
    write_record();
  }
};

TEST(DerivedTables, TheFirstBucketOfTheDriftFollowsFromTheOthers) {
  // 10 queries in each of the buckets 0 to 9, 10 to 19, 20 to 29.
  const ReadContainer data = data_of(page_of(WithTable(
      "positions", "head_positions.csv",
      "layer,q_head,k_head,method,reach,q_bucket,position_from,position_to,queries,documents,ap_mean,"
      "drift_mean,drift_sd,drift_line\n"
      "0,0,0,bucket,,1,10,19,10,9,0.5,0,1,3\n0,0,0,bucket,,2,20,29,10,3,0.5,6,2,5\n"
      "0,0,0,bucket,2,2,20,29,10,3,0.5,7,2,5\n0,0,0,counted,,2,20,29,10,3,0.5,8,2,5\n")));
  EXPECT_THAT(data.numbers("0/drift", "position_from"), ElementsAre(0, 10, 20));
  EXPECT_THAT(data.numbers("0/drift", "position_to"), ElementsAre(9, 19, 29));
  EXPECT_THAT(data.numbers("0/drift", "queries"), ElementsAre(10, 10, 10));
  EXPECT_THAT(data.numbers("0/drift", "drift_mean"), ElementsAre(-6, 0, 6));
  EXPECT_THAT(data.numbers("0/drift", "drift_line"), ElementsAre(-8, 3, 5));
  EXPECT_THAT(data.numbers("0/drift", "drift_low"), ElementsAre(IsNan(), -1, 4));
  EXPECT_THAT(data.numbers("0/drift", "apart"), ElementsAre(0, 3, 0));  // 3 documents are few
  EXPECT_FALSE(data.json["tables"]["0/positions"]["columns"].contains("drift_mean"));
}

TEST(DerivedTables, WhatPairsAddIsAddedUpByWavelength) {
  const ReadContainer data = data_of(page_of(WithTable(
      "rope_pairs", "head_rope_pairs.csv",
      "layer,q_head,k_head,rope_set,pair,first_component,second_component,wavelength,variance_share,"
      "line_R2,bucket_R2,floor,position_share,turn_share\n"
      "0,0,0,0,1,1,3,100,0.25,0,0.75,0.5,0.5,0\n0,0,0,0,0,0,2,6,0.5,0,0.5,0.5,0,0\n"
      "0,0,0,0,,4,,,0.25,0,0.5,0,1,\n")));
  // 1 - F = 1 - (0.25 * 0.5 + 0.5 * 0.5) = 0.625
  EXPECT_THAT(data.numbers("0/rope_pairs", "added"), Pointwise(DoubleNear(1e-7), {0.1, 0.0, 0.2}));
  EXPECT_THAT(data.numbers("0/rope_pairs", "cumulative"),
              ElementsAre(DoubleNear(0.1, 1e-7), 0, IsNan()));
  EXPECT_NEAR(data.numbers("0/heads", "still")[0], 0.2, 1e-7);
  EXPECT_EQ(data.numbers("0/heads", "still_variance")[0], 0.25);
}

TEST(DerivedTables, VerdictsOfSlopes) {
  const ReadContainer data = data_of(page_of(WithTable(
      "trends", "head_trends.csv",
      "layer,q_head,k_head,method,trend,reach,slope,ci_low,ci_high,unit\n0,0,0,bucket,a,,1,0.5,2,u\n"
      "0,0,0,bucket,b,,-1,-2,-0.5,u\n0,0,0,bucket,c,,0,-1,1,u\n0,0,0,bucket,d,,2,,,u\n")));
  EXPECT_THAT(data.texts("0/trends", "verdict"), ElementsAre("rises", "falls", "flat", "unknown"));
}

TEST(DerivedTables, CellsWithoutDetailsAreThoseOfTheFirstMethod) {
  const TestAnalysis analysis;
  EXPECT_FALSE(data_of(page_of(analysis)).has("0/cells"));
  EXPECT_EQ(data_of(page_of(analysis)).numbers("0/details", "pairs")[0], 30);
  analysis.remove("head_bucket_details.csv");
  const ReadContainer data = data_of(page_of(analysis));
  EXPECT_FALSE(data.has("0/cells"));
  EXPECT_EQ(data.texts("0/details", "method")[3], "bucket");
  EXPECT_EQ(data.numbers("0/details", "ap_bucket").size(), 4u);
}

}  // namespace derived_tables_test
}  // namespace qk
