// Deliberate mistakes, each of which the comparison with the reference must catch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "arch/registry.h"
#include "model/compare_reference.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace {

constexpr double kMistake = 1e-3;  // of the largest value: what a mistake must exceed

Model load_case(const std::string& name) {
  const TestFolder folder;  // mapped files live on when their folder is gone
  write_checkpoint(folder.path(), fixture_case(name));
  return load_model(folder.path(), "", registry());
}

double worst_of(const Model& model, const std::string& name) {
  ThreadPool pool(1);
  const Reference reference = read_reference(fixture_case(name).reference);
  return worst_ratio(compare_with_reference(model, kCpuBackend, pool, reference, {}));
}

TEST(MistakeTest, WindowOffByOneIsSeen) {
  Model model = load_case("mistral-window");
  for (LayerConfig& layer : model.config.layers) ++layer.sliding_window;
  EXPECT_GE(worst_of(model, "mistral-window"), kMistake);
  for (LayerConfig& layer : model.config.layers) layer.sliding_window -= 2;
  EXPECT_GE(worst_of(model, "mistral-window"), kMistake);
}

TEST(MistakeTest, WrongPairingIsSeen) {
  Model model = load_case("llama-plain");
  Architecture wrong = *model.architecture;
  wrong.block.rope_layout = RopeLayout::kPairs;
  model.architecture = &wrong;
  EXPECT_GE(worst_of(model, "llama-plain"), kMistake);
}

TEST(MistakeTest, MissingNormIsSeen) {
  Model model = load_case("llama-plain");
  std::ranges::fill(model.layers[2].pre_mlp_norm, 1.0F);
  EXPECT_GE(worst_of(model, "llama-plain"), kMistake);
}

TEST(MistakeTest, NormWithOffsetIsSeen) {
  Model model = load_case("llama-plain");
  Architecture wrong = *model.architecture;
  wrong.block.norm = NormKind::kRmsPlusOne;
  model.architecture = &wrong;
  EXPECT_GE(worst_of(model, "llama-plain"), kMistake);
}

TEST(MistakeTest, MissingYarnFactorIsSeen) {
  Model model = load_case("llama-yarn");
  model.config.rope[0].attention_factor = 1.0;
  EXPECT_GE(worst_of(model, "llama-yarn"), kMistake);
}

TEST(MistakeTest, TruncatedYarnRampIsSeen) {
  Model model = load_case("llama-yarn-factor");
  model.config.rope[0].truncate = true;
  EXPECT_GE(worst_of(model, "llama-yarn-factor"), kMistake);
}

TEST(MistakeTest, UnscaledRopeIsSeen) {
  for (const char* name : {"llama-llama3", "llama-linear", "llama-dynamic", "llama-yarn",
                           "llama-longrope-short", "llama-longrope-long"}) {
    Model model = load_case(name);
    model.config.rope[0].type = RopeType::kDefault;
    EXPECT_GE(worst_of(model, name), kMistake) << name;
  }
}

TEST(MistakeTest, ForgottenBiasIsSeen) {
  for (auto bias :
       {&LayerWeights::q_bias, &LayerWeights::k_bias, &LayerWeights::v_bias, &LayerWeights::o_bias,
        &LayerWeights::gate_bias, &LayerWeights::up_bias, &LayerWeights::down_bias}) {
    Model model = load_case("llama-bias");
    (model.layers[0].*bias).clear();
    EXPECT_GE(worst_of(model, "llama-bias"), kMistake);
  }
}

TEST(MistakeTest, WrongRotaryFractionIsSeen) {
  Model model = load_case("glm-defaults");
  model.config.rope[0].rotary_dim = model.config.head_dim;
  EXPECT_GE(worst_of(model, "glm-defaults"), kMistake);
}

TEST(MistakeTest, MissingQueryScaleIsSeen) {
  Model model = load_case("ministral3-yarn");
  model.config.query_scale_beta = 0;
  EXPECT_GE(worst_of(model, "ministral3-yarn"), kMistake);
}

TEST(MistakeTest, InvertedLayersWithoutRopeAreSeen) {
  Model model = load_case("smollm3-derived");
  for (LayerConfig& layer : model.config.layers) layer.rope_idx = layer.rope_idx == 0 ? -1 : 0;
  EXPECT_GE(worst_of(model, "smollm3-derived"), kMistake);
}

TEST(MistakeTest, WrongEndOfTheWindowedLayersIsSeen) {
  Model model = load_case("qwen2-windows");
  std::ranges::reverse(model.config.layers);
  EXPECT_GE(worst_of(model, "qwen2-windows"), kMistake);
}

TEST(MistakeTest, HeadDimForTheScaleKeyIsSeen) {
  Model model = load_case("gemma3-defaults");
  model.config.softmax_scale = 1 / std::sqrt(static_cast<float>(model.config.head_dim));
  EXPECT_GE(worst_of(model, "gemma3-defaults"), kMistake);
}

TEST(MistakeTest, NormWithoutOffsetIsSeen) {
  Model model = load_case("gemma3-defaults");
  Architecture wrong = *model.architecture;
  wrong.block.norm = NormKind::kRms;
  model.architecture = &wrong;
  EXPECT_GE(worst_of(model, "gemma3-defaults"), kMistake);
}

TEST(MistakeTest, HalvesForPairsAreSeen) {
  Model model = load_case("glm-defaults");
  Architecture wrong = *model.architecture;
  wrong.block.rope_layout = RopeLayout::kHalves;
  model.architecture = &wrong;
  EXPECT_GE(worst_of(model, "glm-defaults"), kMistake);
}

TEST(MistakeTest, UpRowsForGateRowsAreSeen) {
  Model model = load_case("glm-defaults");
  model.layers[0].gate_up_proj = {};  // two matrices
  std::swap(model.layers[0].gate_proj, model.layers[0].up_proj);
  EXPECT_GE(worst_of(model, "glm-defaults"), kMistake);
}

TEST(MistakeTest, MissingNormOfHeadsIsSeen) {
  Model model = load_case("qwen3-plain");
  std::ranges::fill(model.layers[0].k_norm, 1.0F);
  EXPECT_GE(worst_of(model, "qwen3-plain"), kMistake);
}

TEST(MistakeTest, RopeOnALayerWithoutRopeIsSeen) {
  Model model = load_case("smollm3-derived");
  model.config.layers[3].rope_idx = 0;
  EXPECT_GE(worst_of(model, "smollm3-derived"), kMistake);
}

TEST(MistakeTest, OneThetaForAllLayersIsSeen) {
  Model model = load_case("gemma3-defaults");
  for (LayerConfig& layer : model.config.layers) layer.rope_idx = 0;
  EXPECT_GE(worst_of(model, "gemma3-defaults"), kMistake);
}

TEST(MistakeTest, MissingEmbeddingScaleIsSeen) {
  Model model = load_case("gemma3-defaults");
  model.config.embedding_scale = 1;
  EXPECT_GE(worst_of(model, "gemma3-defaults"), kMistake);
}

TEST(MistakeTest, SwappedNormsAreSeen) {
  Model model = load_case("glm4-sandwich");
  std::swap(model.layers[0].post_attention_norm, model.layers[0].pre_mlp_norm);
  EXPECT_GE(worst_of(model, "glm4-sandwich"), kMistake);
}

TEST(MistakeTest, WrongSoftmaxScaleIsSeen) {
  Model model = load_case("llama-plain");
  model.config.softmax_scale *= 0.9F;
  EXPECT_GE(worst_of(model, "llama-plain"), kMistake);
}

}  // namespace
}  // namespace qk
