// The defects of the original that are fixed by default (docs/analysis.md).
#include <gtest/gtest.h>

#include <cmath>

#include "heads/test_tables.h"
#include "plasticity/head_seeds.h"
#include "plasticity/measure_head.h"

namespace qk {
namespace {

using Json = nlohmann::json;

class Defaults : public testing::Test {
 protected:
  HeadTable table(const char* name) const { return table_of(vectors_["tables"][name]); }

  HeadMetrics measure(HeadTable queries, HeadTable keys, bool reference = false) const {
    MeasureOptions options;
    options.compat_reference = reference;
    options.methods = {"linear"};
    orient_and_sample(queries, keys, 50000, 0);
    return measure_head(options, {0, 0, 0}, queries, keys, KeyGroups(keys),
                        BucketRanges::observed(queries, keys));
  }

 private:
  Json vectors_ = load_vectors("plasticity/analysis_cases.json");
};

TEST_F(Defaults, AWindowCountsTokens) {  // buckets of 64 tokens
  HeadTable queries = table("base_q");
  queries.window = 128;
  const HeadMetrics head = measure(queries, table("base_k"));
  EXPECT_EQ(head.buckets.size(), 1U + 2 + 2 + 2);
  for (const BucketPlasticity& bucket : head.buckets) {
    EXPECT_LE(bucket.q_bucket - bucket.k_bucket, 2);
  }
  EXPECT_EQ(measure(queries, table("base_k"), true).buckets.size(), 1U + 2 + 3 + 4);
}

TEST_F(Defaults, AConstantComponentExplainsNothing) {
  const HeadMetrics reference = measure(table("constdim_q"), table("constdim_k"), true);
  const HeadMetrics head = measure(table("constdim_q"), table("constdim_k"));
  EXPECT_EQ(reference.component_r2[3], 1);
  EXPECT_EQ(head.component_r2[3], 0);
  EXPECT_EQ(head.component_weight[3], 0);
  EXPECT_NEAR(head.q_r2_pos, (4 * reference.q_r2_pos - 1) / 3, 1e-12);
  for (const MetricField& field : metric_fields()) {
    EXPECT_TRUE(std::isfinite(head.*field.value)) << field.name;
  }
}

TEST_F(Defaults, ADeadComponentHasNoSkewnessForTheOriginal) {
  HeadTable queries = table("constdim_q");
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    queries.vectors[static_cast<size_t>(row * queries.head_dim + 3)] = 0;
  }
  // As numpy: NaN among the components makes the median NaN; zeros are far from normal.
  const HeadMetrics reference = measure(queries, table("constdim_k"), true);
  EXPECT_TRUE(std::isnan(reference.q_noise_med_abs_skew));
  EXPECT_TRUE(std::isnan(reference.q_noise_med_abs_kurt));
  EXPECT_NEAR(reference.q_noise_frac_ks_p_lt_alpha, 1.0 / 3, 1e-15);
  const HeadMetrics head = measure(queries, table("constdim_k"));
  EXPECT_TRUE(std::isfinite(head.q_noise_med_abs_skew));
  EXPECT_EQ(head.q_noise_frac_ks_p_lt_alpha, 0);
}

TEST_F(Defaults, TwoQueriesHaveNoNoise) {
  const HeadMetrics head = measure(table("tiny2_q"), table("tiny_k"));
  EXPECT_TRUE(std::isnan(head.q_resid0_skew));
  EXPECT_TRUE(std::isnan(head.q_resid0_ks_p));
  EXPECT_TRUE(std::isnan(head.q_noise_med_abs_skew));
  EXPECT_TRUE(std::isnan(head.ap_overall));  // nor about the spread of scores
}

TEST_F(Defaults, NoTwoDrawsShareASeed) {
  MeasureOptions options;
  options.seed = 5;
  const auto words = [](const SeedWords& seed) { return seed.magnitude; };
  EXPECT_NE(words(query_rows_seed(options, 1, 2)), words(key_rows_seed(options, 1, 2)));
  EXPECT_NE(words(query_rows_seed(options, 1, 2)), words(query_rows_seed(options, 2, 1)));
  EXPECT_NE(words(query_rows_seed(options, 1, 2)), words(key_pairs_seed(options, 1, 2)));
  options.compat_reference = true;
  options.methods = {"linear"};
  EXPECT_EQ(words(query_rows_seed(options, 1, 2)), words(key_rows_seed(options, 7, 3)));
  EXPECT_EQ(words(key_pairs_seed(options, 1, 2)), words(seed_words(5 + 10007 + 2 * 379)));
}

}  // namespace
}  // namespace qk
