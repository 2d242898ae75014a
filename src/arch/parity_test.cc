// Every architecture of the registry against Hugging Face (tools/make_model_fixtures.py). The
// mistakes that this comparison must catch are in mistakes_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "arch/registry.h"
#include "model/compare_reference.h"
#include "model/test_checkpoint.h"

namespace qk {
namespace parity_test {

constexpr double kTolerance = 1e-5;  // of the largest value of each layer and kind

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

// The multimodal checkpoints that carry these decoders, under every prefix that they are found
// with, in one file and in shards.
TEST(ParityTest, WrappersHoldTheSameDecoder) {
  const std::vector<std::pair<std::string, std::string>> wrapped = {{"gemma3", "gemma3-defaults"},
                                                                    {"mistral3", "ministral3-yarn"},
                                                                    {"mistral3", "mistral-window"},
                                                                    {"mllama", "mllama-llama3"}};
  for (const auto& [wrapper, name] : wrapped) {
    FixtureCase item = fixture_case(name);
    item.tensors["vision_tower.patch.weight"] = {2, 2};
    item.tensors["multi_modal_projector.linear_1.weight"] = {2, 2};
    for (const char* prefix :
         {"model.", "language_model.model.", "model.language_model.", "language_model."}) {
      const int num_shards = std::string_view(prefix) == "language_model.model." ? 3 : 0;
      const TestFolder folder;
      write_checkpoint(folder.path(), item, {.prefix = prefix, .num_shards = num_shards});
      nlohmann::json text = item.config;
      if (text.at("model_type") == "mistral") text.erase("model_type");  // the wrapper's default
      write_file(folder.path() / "config.json",
                 nlohmann::json{{"model_type", wrapper},
                                {"vision_config", nlohmann::json::object()},
                                {"text_config", text}}
                     .dump());
      EXPECT_LE(worst_of(load_model(folder.path(), "", registry()), name), kTolerance)
          << wrapper << " " << prefix;
    }
  }
}

TEST(ParityTest, WindowsAndLayersAreThoseOfTheReference) {
  for (const std::string& name : registered_cases()) {
    const FixtureCase item = fixture_case(name);
    const Model model = load_case(name);
    const Reference reference = read_reference(item.reference);
    ASSERT_EQ(model.config.layers.size(), item.windows.size()) << name;
    for (size_t i = 0; i < item.windows.size(); ++i) {
      const LayerConfig& layer = model.config.layers[i];
      nlohmann::json window =
          layer.recorded_window ? nlohmann::json(layer.sliding_window) : nullptr;
      if (!layer.runs) window = "skipped";
      EXPECT_EQ(window, item.windows[i]) << name << " layer " << i;
      EXPECT_EQ(reference.vectors.contains({static_cast<int>(i), Site::kKeyPreRope}), layer.runs);
    }
  }
}

// Each class's defaults, as transformers writes them out, against an empty file.
TEST(ParityTest, AbsentKeysMeanWhatTransformersTakes) {
  const auto defaults = nlohmann::json::parse(
      read_file(std::filesystem::path(QK_TEST_DATA) / "models/defaults.json"));
  const auto resolve = [](const nlohmann::json& config) {
    const TestFolder folder;
    write_file(folder.path() / "config.json", config.dump());
    return read_model_config(folder.path(), "", registry());
  };
  EXPECT_EQ(defaults.size(), registry().size());
  for (const auto& [type, config] : defaults.items()) {
    nlohmann::json whole = config;
    whole["model_type"] = type;
    nlohmann::json empty = {{"model_type", type}};
    if (type == "ministral") empty["head_dim"] = whole["head_dim"] = 128;  // no default
    const ModelConfig ours = resolve(empty);
    EXPECT_TRUE(ours == resolve(whole)) << type;
    EXPECT_EQ(ours.rope.front().rotary_dim % 2, 0);
  }
  // A multimodal file that says only what differs: all the rest are defaults.
  const ModelConfig nested =
      resolve({{"model_type", "gemma3"}, {"text_config", {{"num_hidden_layers", 7}}}});
  nlohmann::json whole = defaults.at("gemma3_text");
  whole["num_hidden_layers"] = 7;
  whole.erase("layer_types");
  whole["model_type"] = "gemma3_text";
  EXPECT_TRUE(nested == resolve(whole));
}

std::vector<float> all_vectors(const FixtureCase& item, DType dtype) {
  const TestFolder folder;
  write_checkpoint(folder.path(), item, {.dtype = dtype});
  const Model model = load_model(folder.path(), "", registry());
  Reference reference = read_reference(item.reference);
  std::vector<float> out;
  TapRequest request{.pre_rope = true, .post_rope = true, .layers = {}};
  for (const LayerConfig& layer : model.config.layers) {
    request.layers.push_back({});
    if (layer.runs) request.layers.back() = {reference.rows, reference.rows, {0}, {0}};
  }
  const auto length = std::ssize(reference.ids);
  ThreadPool pool(1);
  forward({model, kCpuBackend, pool}, {reference.ids, {0, length}, {length}}, request, {},
          [&](int, Site, TensorView<const float, 3> rows) {
            out.insert(out.end(), rows.flat().begin(), rows.flat().end());
          });
  return out;
}

// The weights of the fixtures are numbers that all three types hold.
TEST(ParityTest, StoredTypesGiveTheSameBits) {
  for (const char* name : {"llama-bias", "qwen3-windows", "gemma3-v4", "glm-defaults",
                           "glm4-sandwich", "smollm3-windows", "ministral3-yarn"}) {
    const std::vector<float> wide = all_vectors(fixture_case(name), DType::kF32);
    EXPECT_FALSE(wide.empty());
    EXPECT_TRUE(wide == all_vectors(fixture_case(name), DType::kBF16)) << name;
    EXPECT_TRUE(wide == all_vectors(fixture_case(name), DType::kF16)) << name;
  }
}

// The same configuration in the spelling of transformers 5; nothing if it says nothing of RoPE.
nlohmann::json in_new_spelling(nlohmann::json config) {
  const nlohmann::json old = config;
  nlohmann::json rope = config.value("rope_scaling", nlohmann::json::object());
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) {
    if (config.contains(key)) rope[key] = config[key];
    config.erase(key);
  }
  if (rope.empty() || config.contains("rope_parameters")) return {};
  if (rope.contains("type")) rope["rope_type"] = rope["type"];
  rope.erase("type");
  if (config.at("model_type") == "gemma3_text") {
    rope = {{"full_attention", rope},
            {"sliding_attention", {{"rope_theta", old.at("rope_local_base_freq")}}}};
    config.erase("rope_local_base_freq");
  }
  config.erase("rope_scaling");
  config["rope_parameters"] = rope;
  return config;
}

TEST(ParityTest, BothSpellingsGiveTheSameBits) {
  int compared = 0;
  for (const std::string& name : registered_cases()) {
    FixtureCase item = fixture_case(name);
    const std::vector<float> old = all_vectors(item, DType::kF16);
    item.config = in_new_spelling(item.config);
    if (item.config.is_null()) continue;
    // What a class takes for a theta that is not there is not at stake here.
    EXPECT_TRUE(old == all_vectors(item, DType::kF16)) << name;
    ++compared;
  }
  EXPECT_GE(compared, 13);
}

// Without scaling a rotation by the angle 0, and at any position one that keeps lengths.
TEST(ParityTest, RotationKeepsLengths) {
  for (const char* name : {"llama-plain", "glm-quarter", "gemma3-v5"}) {
    const Model model = load_case(name);
    const Reference reference = read_reference(fixture_case(name).reference);
    std::map<Site, std::vector<float>> keys;
    TapRequest request{.pre_rope = true, .post_rope = true, .layers = {}};
    request.layers.resize(model.config.layers.size());
    request.layers[1] = {{}, {0, 5, 23}, {}, {1}};
    ThreadPool pool(1);
    forward({model, kCpuBackend, pool}, {reference.ids, {0, 24}, {24}}, request, {},
            [&](int, Site site, TensorView<const float, 3> rows) {
              keys[site].assign(rows.flat().begin(), rows.flat().end());
            });
    const auto& pre = keys.at(Site::kKeyPreRope);
    const auto& post = keys.at(Site::kKeyPostRope);
    const auto size = static_cast<size_t>(model.config.head_dim);
    EXPECT_TRUE(
        std::equal(pre.begin(), pre.begin() + static_cast<std::ptrdiff_t>(size), post.begin()));
    for (size_t row = 0; row < 3; ++row) {
      double before = 0;
      double after = 0;
      for (size_t i = 0; i < size; ++i) {
        before += std::pow(pre[row * size + i], 2);
        after += std::pow(post[row * size + i], 2);
      }
      EXPECT_NEAR(after / before, 1.0, 1e-5) << name;
    }
    EXPECT_NE(pre, post);
  }
}

TEST(ParityTest, SkippedLayersAreNotThere) {
  const Model model = load_case("mllama-llama3");
  EXPECT_EQ(model.embedding.rows, 97 + 8);
  const Reference reference = read_reference(fixture_case("mllama-llama3").reference);
  EXPECT_GE(*std::ranges::max_element(reference.ids), 97);
  EXPECT_FALSE(model.config.layers.at(1).runs || model.config.layers.at(4).runs);
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

}  // namespace parity_test
}  // namespace qk
