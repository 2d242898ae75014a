// Every architecture of the registry against Hugging Face (tools/make_model_fixtures.py), and
// deliberate mistakes that the same comparison must catch.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "arch/registry.h"
#include "model/compare_reference.h"
#include "model/rope_frequencies.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace {

constexpr double kTolerance = 1e-5;  // of the largest value of each layer and kind
constexpr double kMistake = 1e-3;    // what a mistake must exceed

Model load_case(const std::string& name) {
  const TestFolder folder;  // mapped files live on when their folder is gone
  write_checkpoint(folder.path(), fixture_case(name));
  return load_model(folder.path(), "", registry());
}

double worst_of(const Model& model, const std::string& name, const Backend& backend = kCpuBackend,
                int64_t chunk_tokens = 1024) {
  ThreadPool pool(2);
  const Reference reference = read_reference(fixture_case(name).reference);
  const ForwardOptions options = {.chunk_tokens = chunk_tokens};
  return worst_ratio(compare_with_reference(model, backend, pool, reference, options));
}

std::vector<std::string> registered_cases() {
  std::vector<std::string> out;
  for (const FixtureCase& item : fixture_cases()) {
    for (const Architecture* architecture : registry()) {
      const auto& types = architecture->model_types;
      const std::string type = item.config.at("model_type");
      if (item.name != "long" && std::ranges::find(types, type) != types.end()) {
        out.push_back(item.name);
      }
    }
  }
  return out;
}

class Parity : public testing::TestWithParam<std::string> {};

TEST_P(Parity, QueriesAndKeysEqualTheReference) {
  const Model model = load_case(GetParam());
  EXPECT_LE(worst_of(model, GetParam(), kRefBackend), kTolerance);
  EXPECT_LE(worst_of(model, GetParam(), kCpuBackend), kTolerance);
  EXPECT_LE(worst_of(model, GetParam(), kCpuBackend, /*chunk_tokens=*/5), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(All, Parity, testing::ValuesIn(registered_cases()),
                         [](const testing::TestParamInfo<std::string>& param) {
                           std::string name = param.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ParityTest, EveryArchitectureHasACase) {
  const std::vector<FixtureCase> cases = fixture_cases();
  for (const Architecture* architecture : registry()) {
    const auto mine = std::ranges::count_if(cases, [&](const FixtureCase& item) {
      return item.config.at("model_type") == architecture->model_types.front();
    });
    EXPECT_GE(mine, 1) << architecture->name;
  }
}

// The multimodal checkpoints that carry these decoders.
TEST(ParityTest, WrappersHoldTheSameDecoder) {
  const std::vector<std::array<std::string, 3>> wrapped = {
      {"gemma3", "gemma3-defaults", "language_model.model."},
      {"mistral3", "ministral3-yarn", "model.language_model."},
      {"mistral3", "mistral-window", "language_model.model."},
      {"mllama", "mllama-llama3", "language_model.model."}};
  for (const auto& [wrapper, name, prefix] : wrapped) {
    FixtureCase item = fixture_case(name);
    item.tensors["vision_tower.patch.weight"] = {2, 2};
    item.tensors["multi_modal_projector.linear_1.weight"] = {2, 2};
    const TestFolder folder;
    write_checkpoint(folder.path(), item, {.prefix = prefix});
    if (item.config.at("model_type") == "mistral") item.config.erase("model_type");
    write_file(folder.path() / "config.json",
               nlohmann::json{{"model_type", wrapper},
                              {"vision_config", nlohmann::json::object()},
                              {"text_config", item.config}}
                   .dump());
    EXPECT_LE(worst_of(load_model(folder.path(), "", registry()), name), kTolerance) << wrapper;
  }
}

TEST(ParityTest, SkippedLayersAreNotThere) {
  const Model model = load_case("mllama-llama3");
  EXPECT_EQ(model.embedding.rows, 97 + 8);
  const Reference reference = read_reference(fixture_case("mllama-llama3").reference);
  EXPECT_GE(*std::ranges::max_element(reference.ids), 97);
  for (int layer = 0; layer < 7; ++layer) {
    const bool runs = layer != 1 && layer != 4;
    EXPECT_EQ(model.config.layers.at(static_cast<size_t>(layer)).runs, runs);
    EXPECT_EQ(reference.vectors.contains({layer, Site::kQueryPostRope}), runs);
  }
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

// Layer 0 needs no other position, so the reference gives just these, at their own positions.
TEST(LongPositionTest, AnglesAreRoundedAsTheReferenceRounds) {
  const FixtureCase item = fixture_case("long");
  const Model model = load_case("long");
  Reference reference = read_reference(item.reference);
  const int32_t last = reference.rows.back();
  ASSERT_EQ(last, 131071);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i <= last; ++i) ids.push_back((i * 37 + i / 5 * 11 + 3) % 97);
  for (size_t i = 0; i < reference.rows.size(); ++i) {
    ASSERT_EQ(ids[static_cast<size_t>(reference.rows[i])], reference.ids[i]);
  }
  reference.ids = ids;
  ThreadPool pool(1);
  const auto differences = compare_with_reference(model, kCpuBackend, pool, reference, {});
  ASSERT_EQ(differences.size(), 4U);
  // One unit in the last place of a frequency below 1 is worth this angle at the last position.
  const double tolerance = kTolerance + last * std::ldexp(1.0, -24);
  for (const SiteDifference& site : differences) {
    EXPECT_LE(site.ratio(), tolerance);
    const bool before = site.site == Site::kQueryPreRope || site.site == Site::kKeyPreRope;
    EXPECT_LE(before ? site.ratio() : 0.0, kTolerance);
  }
}

}  // namespace
}  // namespace qk
