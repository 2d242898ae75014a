#include "capture/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Architecture with_windows(WindowRule rule) {
  Architecture architecture;
  architecture.block.window = rule;
  return architecture;
}

const Architecture kByLayerType = with_windows(WindowRule::kByLayerType);
const Architecture kAllLayers = with_windows(WindowRule::kAllLayers);

ModelConfig model_with(int64_t num_layers, int64_t num_query_heads, int64_t num_key_heads) {
  ModelConfig model;
  model.num_hidden_layers = num_layers;
  model.num_attention_heads = num_query_heads;
  model.num_key_value_heads = num_key_heads;
  model.head_dim = 8;
  model.layers.resize(static_cast<size_t>(num_layers));
  return model;
}

void set_window(ModelConfig& model, size_t layer) {
  model.layers[layer].sliding_window = 16;
  model.layers[layer].recorded_window = true;
}

std::string error_of(const SniffConfig& config, const ModelConfig& model,
                     const Architecture& architecture = {}) {
  try {
    make_plan(config, model, architecture);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Plan, EveryHeadByDefault) {
  const CapturePlan plan = make_plan({}, model_with(3, 4, 2), {});
  for (const LayerPlan& layer : plan.layers) {
    EXPECT_EQ(layer.skip, Skip::kNone);
    EXPECT_THAT(layer.query_heads, ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(layer.key_heads, ElementsAre(0, 1));
    EXPECT_FALSE(layer.sliding_window);
  }
  EXPECT_EQ(plan.last_layer, 2);
  EXPECT_EQ(plan.num_files(), 18);
  EXPECT_EQ(std::get<std::string>(plan.metadata.at("attention_scope")), "all_attention");
  EXPECT_EQ(std::get<std::string>(plan.metadata.at("sampling_strategy")), "log");
  EXPECT_EQ(std::get<int64_t>(plan.metadata.at("sampling_min_bucket_size")), 128);
}

TEST(Plan, HeadsAreQueryHeadsAndKeysFollow) {
  SniffConfig config;
  config.capture.heads = {1, 5};
  const CapturePlan plan = make_plan(config, model_with(1, 8, 2), {});
  EXPECT_THAT(plan.layers[0].query_heads, ElementsAre(1, 5));
  EXPECT_THAT(plan.layers[0].key_heads, ElementsAre(0, 1));
}

TEST(Plan, ReferenceAppliesHeadsToKeysAsTheyAre) {
  SniffConfig config;
  config.compat_reference = true;
  config.capture.heads = {0, 1};
  const CapturePlan plan = make_plan(config, model_with(1, 8, 2), {});
  EXPECT_THAT(plan.layers[0].key_heads, ElementsAre(0, 1));
  config.capture.heads = {5};
  EXPECT_EQ(
      error_of(config, model_with(1, 8, 2)),
      "capture.heads (which compat: reference takes for keys, too): the model has no key head 5 "
      "(it has 0 to 1)");
  config.capture.capture_keys = false;
  EXPECT_THAT(make_plan(config, model_with(1, 8, 2), {}).layers[0].query_heads, ElementsAre(5));
}

TEST(Plan, IndexesMustExist) {
  SniffConfig config;
  config.capture.layers = {-1, 0, 3, 7};
  EXPECT_EQ(error_of(config, model_with(3, 4, 2)),
            "capture.layers: the model has no layers -1, 3, 7 (it has 0 to 2)");
  config.capture.layers = {};
  config.capture.heads = {4};
  EXPECT_EQ(error_of(config, model_with(3, 4, 2)),
            "capture.heads: the model has no query head 4 (it has 0 to 3)");
}

TEST(Plan, LayersAboveTheLastCapturedOneDoNotRun) {
  SniffConfig config;
  config.capture.layers = {1};
  const CapturePlan plan = make_plan(config, model_with(4, 4, 2), {});
  EXPECT_EQ(plan.last_layer, 1);
  EXPECT_EQ(plan.layers[0].skip, Skip::kNotInLayers);
  EXPECT_THAT(plan.layers[2].query_heads, IsEmpty());
  EXPECT_EQ(plan.num_files(), 6);
}

TEST(Plan, FullAttentionOnly) {
  SniffConfig config;
  config.capture.full_attention_only = true;
  ModelConfig model = model_with(3, 4, 2);
  set_window(model, 1);
  const CapturePlan plan = make_plan(config, model, kByLayerType);
  EXPECT_EQ(plan.layers[1].skip, Skip::kSlidingWindow);
  EXPECT_EQ(plan.layers[1].sliding_window, 16);
  EXPECT_EQ(plan.num_files(), 12);
  config.capture.full_attention_only = false;
  EXPECT_EQ(make_plan(config, model, kByLayerType).layers[1].skip, Skip::kNone);
}

// A window that the original does not hand to its hook is null in the files, and no reason to skip.
TEST(Plan, UnrecordedWindows) {
  SniffConfig config;
  config.capture.full_attention_only = true;
  ModelConfig model = model_with(2, 4, 2);
  set_window(model, 1);
  model.layers[1].recorded_window = false;
  const CapturePlan plan = make_plan(config, model, kByLayerType);
  EXPECT_EQ(plan.layers[1].skip, Skip::kNone);
  EXPECT_FALSE(plan.layers[1].sliding_window);
}

TEST(Plan, HeadSamplingRecordsWhatTheOriginalDoes) {
  SniffConfig config;
  config.capture.full_attention_only = true;
  config.capture.head_sampling = HeadSampling{5, 0};
  ModelConfig model = model_with(4, 4, 2);
  set_window(model, 2);
  const CapturePlan plan = make_plan(config, model, kByLayerType);
  EXPECT_EQ(plan.num_query_heads, 5);
  EXPECT_EQ(plan.layers[2].skip, Skip::kSlidingWindow);
  const auto number = [&](const std::string& key) {
    return std::get<int64_t>(plan.metadata.at("head_sampling_" + key));
  };
  EXPECT_EQ(std::get<std::string>(plan.metadata.at("head_sampling_strategy")), "random_query");
  EXPECT_EQ(number("requested_query_heads"), 5);
  EXPECT_EQ(number("selected_query_heads"), 5);
  EXPECT_EQ(number("selected_key_heads"), plan.num_key_heads);
  EXPECT_EQ(number("num_layers"), 4);
  EXPECT_EQ(number("full_attention_only"), 1);
  EXPECT_EQ(number("sliding_layer_count"), 1);
  EXPECT_EQ(number("full_layer_count"), 3);
  EXPECT_EQ(number("sliding_candidates_excluded"), 4);
}

// The original samples heads of layers that it then skips (D-7 in docs/config.md).
TEST(Plan, WindowsOfEveryLayer) {
  SniffConfig config;
  config.capture.full_attention_only = true;
  config.capture.head_sampling = HeadSampling{3, 0};
  ModelConfig model = model_with(2, 4, 2);
  set_window(model, 0);
  EXPECT_EQ(make_plan(config, model, kAllLayers).num_query_heads, 3);  // all of layer 1
  config.compat_reference = true;
  const CapturePlan plan = make_plan(config, model, kAllLayers);
  EXPECT_LT(plan.num_query_heads, 3);
  EXPECT_EQ(std::get<int64_t>(plan.metadata.at("head_sampling_selected_query_heads")), 3);
  set_window(model, 1);
  EXPECT_EQ(
      error_of(config, model, kAllLayers),
      "capture.full_attention_only: the run would capture nothing: all 2 layers that are left "
      "have a sliding window");
}

// The original samples heads of layers that have no self-attention (D-8 in docs/config.md).
TEST(Plan, LayersWithoutSelfAttention) {
  SniffConfig config;
  config.capture.head_sampling = HeadSampling{4, 0};
  ModelConfig model = model_with(2, 4, 2);
  model.layers[0].runs = false;
  EXPECT_EQ(make_plan(config, model, {}).num_query_heads, 4);
  EXPECT_EQ(make_plan(config, model, {}).layers[0].skip, Skip::kNoSelfAttention);
  config.compat_reference = true;
  EXPECT_LT(make_plan(config, model, {}).num_query_heads, 4);
  config.capture.head_sampling.reset();
  config.capture.layers = {0};
  EXPECT_EQ(error_of(config, model),
            "capture.layers: the run would capture nothing: 1 layers are named, none of them has "
            "self-attention to capture");
}

TEST(Plan, ExpectedRows) {
  CaptureSection capture;
  capture.sampler = SamplerType::kAll;
  EXPECT_EQ(expected_rows(capture, 100), 100);
  capture.max_rows_per_batch = 30;
  EXPECT_EQ(expected_rows(capture, 100), 30);
  EXPECT_EQ(expected_rows(capture, 7), 7);
  capture.max_rows_per_batch.reset();
  capture.sampler = SamplerType::kUniform;
  capture.min_bucket_size = 32;
  EXPECT_NEAR(expected_rows(capture, 3200), 100, 1e-4);
}

TEST(Plan, BytesOfARow) {
  SniffConfig config;
  EXPECT_EQ(vector_bytes(make_plan(config, model_with(1, 4, 2), {})), 32);
  config.capture.rope = CaptureRope::kBoth;
  EXPECT_EQ(vector_bytes(make_plan(config, model_with(1, 4, 2), {})), 64);
}

}  // namespace
}  // namespace qk
