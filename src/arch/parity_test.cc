// Every architecture of the registry against Hugging Face (tools/make_model_fixtures.py), and
// deliberate mistakes that the same comparison must catch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "arch/registry.h"
#include "model/compare_reference.h"
#include "model/rope_frequencies.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace {

constexpr double kTolerance = 1e-5;  // of the largest value of each layer and kind
constexpr double kMistake = 1e-3;    // what a mistake must exceed

Model load_case(const std::string& name,
                std::span<const Architecture* const> architectures = registry()) {
  const TestFolder folder;  // mapped files live on when their folder is gone
  write_checkpoint(folder.path(), fixture_case(name));
  return load_model(folder.path(), "", architectures);
}

double worst_of(const Model& model, const std::string& name, const Backend& backend = kCpuBackend,
                int64_t chunk_tokens = 1024) {
  ThreadPool pool(2);
  const Reference reference = read_reference(fixture_case(name).reference);
  const ForwardOptions options = {.chunk_tokens = chunk_tokens};
  return worst_ratio(compare_with_reference(model, backend, pool, reference, options));
}

// As Mistral: a window on every layer, no biases.
constexpr std::string_view kWindowedTypes[] = {"mistral"};
constexpr Architecture kWindowed = {
    .name = "windowed",
    .model_types = kWindowedTypes,
    .block = {.qkv_bias = BiasRule::kNever,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .window = WindowRule::kAllLayers},
    .defaults = {.num_key_value_heads = 8, .sliding_window = 4096},
};
constexpr const Architecture* kWindowedRegistry[] = {&kWindowed};

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
  const std::vector<std::string> cases = registered_cases();
  for (const Architecture* architecture : registry()) {
    const auto mine = std::ranges::count_if(cases, [&](const std::string& name) {
      return fixture_case(name).config.at("model_type") == architecture->model_types.front();
    });
    EXPECT_GE(mine, 1) << architecture->name;
  }
}

TEST(ParityTest, WindowOfEveryLayer) {
  const Model model = load_case("mistral-window", kWindowedRegistry);
  EXPECT_LE(worst_of(model, "mistral-window"), kTolerance);
  EXPECT_LE(worst_of(model, "mistral-window", kRefBackend), kTolerance);
}

TEST(MistakeTest, WindowOffByOneIsSeen) {
  Model model = load_case("mistral-window", kWindowedRegistry);
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
