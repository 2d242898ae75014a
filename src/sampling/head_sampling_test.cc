#include "sampling/head_sampling.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/test_vectors.h"

namespace qk {
namespace {

using Json = nlohmann::json;

std::vector<int64_t> filter_of(const Json& list) {
  return list.is_null() ? std::vector<int64_t>{} : list.get<std::vector<int64_t>>();
}

HeadPopulation population_of(int64_t num_layers, int64_t num_query_heads, int64_t num_key_heads) {
  HeadPopulation out;
  out.num_layers = num_layers;
  out.num_query_heads = num_query_heads;
  out.num_key_heads = num_key_heads;
  out.sliding_layers.resize(static_cast<size_t>(num_layers));
  out.capturable_layers.resize(static_cast<size_t>(num_layers), true);
  return out;
}

HeadPopulation population_of(const Json& c) {
  HeadPopulation out =
      population_of(c["num_layers"].get<int64_t>(), c["num_query_heads"], c["num_key_heads"]);
  out.layers = filter_of(c["layers"]);
  out.heads = filter_of(c["heads"]);
  out.full_attention_only = c["full_attention_only"];
  for (const size_t layer : c["sliding_layers"]) out.sliding_layers[layer] = true;
  return out;
}

// {"layer": [heads]} for layers that have any.
Json by_layer(const std::vector<std::vector<int32_t>>& heads) {
  Json out = Json::object();
  for (size_t layer = 0; layer < heads.size(); ++layer) {
    if (!heads[layer].empty()) out[std::to_string(layer)] = heads[layer];
  }
  return out;
}

Json metadata_of(const HeadSample& sample) {
  Json out = Json::object();
  for (const auto& [key, value] : sample.metadata) {
    std::visit([&out, &name = key](const auto& v) { out[name] = v; }, value);
  }
  return out;
}

int64_t number(const HeadSample& sample, const std::string& key) {
  return metadata_of(sample)["head_sampling_" + key];
}

std::string error_of(const HeadPopulation& population, int64_t count) {
  try {
    sample_heads(population, count, 0);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(HeadSampling, EqualsTheVectors) {
  const Json vectors = load_vectors("capture/head_samples.json");
  ASSERT_EQ(vectors["cases"].size(), 15U);
  for (const Json& c : vectors["cases"]) {
    const HeadSample sample = sample_heads(population_of(c), c["count"], c["seed"]);
    EXPECT_EQ(by_layer(sample.query_heads), c["query_heads"]) << c["name"];
    EXPECT_EQ(by_layer(sample.key_heads), c["key_heads"]) << c["name"];
    EXPECT_EQ(metadata_of(sample), c["metadata"]) << c["name"];
  }
}

TEST(HeadSampling, MetadataKeepsTheOrderOfTheOriginal) {
  const HeadSample sample = sample_heads(population_of(2, 2, 1), 1, 0);
  ASSERT_EQ(sample.metadata.size(), 12U);
  EXPECT_EQ(sample.metadata.front().first, "head_sampling_strategy");
  EXPECT_EQ(sample.metadata.back().first, "head_sampling_sliding_candidates_excluded");
}

TEST(HeadSampling, LayersThatCannotBeCapturedAreNoCandidates) {
  HeadPopulation population = population_of(4, 2, 1);
  population.full_attention_only = true;
  population.sliding_layers = {false, true, true, false};
  population.capturable_layers = {true, true, false, false};
  const HeadSample sample = sample_heads(population, 100, 0);
  EXPECT_EQ(by_layer(sample.query_heads), Json({{"0", {0, 1}}}));
  EXPECT_EQ(by_layer(sample.key_heads), Json({{"0", {0}}}));
  EXPECT_EQ(number(sample, "num_layers"), 4);
  EXPECT_EQ(number(sample, "sliding_layer_count"), 1);
  EXPECT_EQ(number(sample, "full_layer_count"), 1);
  EXPECT_EQ(number(sample, "sliding_candidates_excluded"), 2);
}

TEST(HeadSampling, LeavingOutALayerDrawsAsIfItWereNotThere) {
  HeadPopulation skipping = population_of(5, 8, 2);
  skipping.capturable_layers[1] = false;
  const HeadSample with_hole = sample_heads(skipping, 7, 3);
  const HeadSample without = sample_heads(population_of(4, 8, 2), 7, 3);
  for (const size_t layer : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(with_hole.query_heads[layer == 0 ? 0 : layer + 1], without.query_heads[layer]);
  }
  EXPECT_TRUE(with_hole.query_heads[1].empty());
  EXPECT_EQ(number(with_hole, "full_layer_count"), 4);
  skipping.sliding_layers = {false, true, true, false, true};
  const HeadSample sliding = sample_heads(skipping, 7, 3);
  EXPECT_EQ(number(sliding, "sliding_layer_count"), 2);
  EXPECT_EQ(number(sliding, "full_layer_count"), 2);
}

TEST(HeadSampling, EveryErrorNamesItsKey) {
  const HeadPopulation good = population_of(3, 4, 2);
  EXPECT_EQ(error_of(good, 0), "capture.head_sampling.count: expected at least 1, found 0");
  HeadPopulation bad = good;
  bad.layers = {0, 3, -1};
  EXPECT_EQ(error_of(bad, 1), "capture.layers: expected numbers from 0 to 2, found 3, -1");
  bad = good;
  bad.heads = {4};
  EXPECT_EQ(error_of(bad, 1), "capture.heads: expected numbers from 0 to 3, found 4");
  bad = population_of(3, 4, 3);
  EXPECT_EQ(error_of(bad, 1),
            "num_attention_heads: expected a multiple of num_key_value_heads = 3, found 4");
  bad = good;
  bad.full_attention_only = true;
  bad.sliding_layers = {true, true, true};
  EXPECT_EQ(error_of(bad, 1),
            "capture.head_sampling: expected heads to sample from, found none (12 heads of layers "
            "with a sliding window are excluded by full_attention_only)");
}

}  // namespace
}  // namespace qk
