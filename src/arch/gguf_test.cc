// Models from GGUF: configuration out of the metadata, rows of q and k back in Hugging Face's
// order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "arch/registry.h"
#include "model/compare_reference.h"
#include "model/rope_frequencies.h"
#include "model/test_gguf.h"

namespace qk {
namespace {

using testing::HasSubstr;

// llama.cpp's converter: each head's rows (or bias numbers) a, b | c, d become a, c, b, d.
std::vector<float> permuted(const std::vector<float>& values, int64_t width, int64_t head_dim) {
  std::vector<float> out(values.size());
  const int64_t half = head_dim / 2;
  const auto rows = std::ssize(values) / width;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / head_dim;
    const int64_t j = row % head_dim;
    const int64_t stored = head * head_dim + (j < half ? 2 * j : 2 * (j - half) + 1);
    std::copy_n(values.begin() + row * width, width, out.begin() + stored * width);
  }
  return out;
}

// What a GGUF file of one of our test checkpoints is made with.
struct Conversion {
  std::string fixture;
  std::string arch = "llama";
  double rope_theta = 10000;
  bool permuted = false;                                           // rows of q and k
  std::vector<std::pair<std::string, std::string>> names = {};     // beside kNames, looked up first
  std::vector<std::pair<std::string, TestGguf::Value>> keys = {};  // without "<arch>."
};

std::string gguf_name(const Conversion& conversion, const std::string& name) {
  static const std::vector<std::pair<std::string, std::string>> kNames = {
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"model.layers", "blk"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.gate_up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  std::string out = name;
  for (const auto* words : {&conversion.names, &kNames}) {
    for (const auto& [from, to] : *words) {
      if (const size_t at = out.find(from); at != std::string::npos) {
        out.replace(at, from.size(), to);
      }
    }
  }
  return out;
}

TestGguf convert(const Conversion& conversion) {
  const FixtureCase item = fixture_case(conversion.fixture);
  const auto number = [&](const char* key) { return item.config.at(key).get<uint32_t>(); };
  const uint32_t head_dim = item.config.value("head_dim", number("hidden_size") / 4);
  const std::string& arch = conversion.arch;
  TestGguf out;
  out.set("general.architecture", arch);
  out.set(arch + ".block_count", number("num_hidden_layers"));
  out.set(arch + ".context_length", number("max_position_embeddings"));
  out.set(arch + ".embedding_length", number("hidden_size"));
  out.set(arch + ".feed_forward_length", number("intermediate_size"));
  out.set(arch + ".attention.head_count", number("num_attention_heads"));
  out.set(arch + ".attention.head_count_kv", number("num_key_value_heads"));
  out.set(arch + ".attention.key_length", head_dim);
  out.set(arch + ".attention.value_length", head_dim);
  out.set(arch + ".rope.freq_base", static_cast<float>(conversion.rope_theta));
  out.set(arch + ".attention.layer_norm_rms_epsilon", item.config.value("rms_norm_eps", 1e-6F));
  for (const auto& [key, value] : conversion.keys) out.change(arch + "." + key, value);
  for (const auto& [name, shape] : item.tensors) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    // Norms of every architecture as llama.cpp has them: not centred at 0.
    std::vector<float> values = test_weights(name, static_cast<size_t>(count), /*centred=*/false);
    const bool rotated =
        name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos;
    if (rotated && conversion.permuted) values = permuted(values, count / shape[0], head_dim);
    out.add(gguf_name(conversion, name), shape, values);
  }
  return out;
}

Conversion llama(const std::string& fixture, double rope_theta = 10000) {
  return {.fixture = fixture,
          .rope_theta = rope_theta,
          .permuted = true,
          .keys = {{"rope.dimension_count",
                    fixture_case(fixture).config.value("head_dim", uint32_t{8})}}};
}

Model load(const TestGguf& file) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  write_file(path, file.bytes());
  return load_model(path, "", registry());
}

double worst_of(const Model& model, const FixtureCase& item) {
  ThreadPool pool(1);
  return worst_ratio(
      compare_with_reference(model, kCpuBackend, pool, read_reference(item.reference), {}));
}

TEST(GgufTest, RowsOfQueriesAndKeysAreBackInOrder) {
  const FixtureCase item = fixture_case("llama-plain");
  Model model = load(convert(llama("llama-plain")));
  EXPECT_EQ(model.config.head_dim, 8);
  EXPECT_EQ(model.layers.at(0).q_proj.head_rows, 8);
  EXPECT_LE(worst_of(model, item), 1e-5);
  for (LayerWeights& layer : model.layers) layer.q_proj.head_rows = 0;
  EXPECT_GE(worst_of(model, item), 1e-2);  // the order matters
}

// llama.cpp writes the llama3 scaling as divisors; biases are permuted like rows.
TEST(GgufTest, DivisorsAndBiases) {
  const FixtureCase item = fixture_case("llama-bias");
  TestGguf file = convert(llama("llama-bias", 500000));
  RopeParameters rope = {.rope_theta = 500000, .rotary_dim = 12};
  const std::vector<float> plain = rope_frequencies(rope, 1).values;
  rope.type = RopeType::kLlama3;
  rope.factor = 8;
  rope.original_max_position_embeddings = 64;
  std::vector<float> divisors = rope_frequencies(rope, 1).values;
  for (size_t i = 0; i < divisors.size(); ++i) divisors[i] = plain[i] / divisors[i];
  file.add("rope_freqs.weight", {6}, divisors);
  Model model = load(file);
  EXPECT_EQ(model.config.rope.at(0).divisors.size(), 6U);
  EXPECT_TRUE(model.config.qkv_bias && model.config.mlp_bias);
  EXPECT_LE(worst_of(model, item), 1e-5);
  model.config.rope[0].divisors.clear();
  EXPECT_GE(worst_of(model, item), 1e-3);
}

TEST(GgufTest, LinearScaling) {
  const FixtureCase item = fixture_case("llama-linear");
  TestGguf file = convert(llama("llama-linear"));
  file.set("llama.rope.scaling.type", std::string("linear"));
  file.set("llama.rope.scaling.factor", 4.0F);
  EXPECT_LE(worst_of(load(file), item), 1e-5);
}

const std::vector<std::pair<std::string, std::string>> kSandwichOfGemma = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"}};

std::vector<Conversion> conversions() {
  return {
      llama("llama-mqa"),
      llama("mistral-head-dim", 1e6),
      {.fixture = "llama-yarn",
       .permuted = true,
       .keys = {{"rope.scaling.type", std::string("yarn")},
                {"rope.scaling.factor", 4.0F},
                {"rope.scaling.original_context_length", uint32_t{128}}}},
      {.fixture = "qwen2-plain", .arch = "qwen2"},
      {.fixture = "qwen3-plain", .arch = "qwen3"},
      {.fixture = "gemma3-defaults",
       .arch = "gemma3",
       .rope_theta = 1e6,
       .names = kSandwichOfGemma,
       .keys = {{"attention.sliding_window", uint32_t{6}}}},
      {.fixture = "gemma3-v4",
       .arch = "gemma3",
       .rope_theta = 1e6,
       .names = kSandwichOfGemma,
       .keys = {{"attention.sliding_window", uint32_t{6}},
                {"attention.sliding_window_pattern", uint32_t{3}},
                {"rope.scaling.type", std::string("linear")},
                {"rope.scaling.factor", 8.0F},
                {"rope.freq_base_swa", 5000.0F}}},
      {.fixture = "gemma3-v5",
       .arch = "gemma3",
       .rope_theta = 1e6,
       .names = kSandwichOfGemma,
       .keys = {{"attention.sliding_window", uint32_t{6}},
                {"attention.sliding_window_pattern",
                 std::vector<bool>{false, true, false, true, true}},
                {"rope.scaling.type", std::string("linear")},
                {"rope.scaling.factor", 8.0F}}},
      {.fixture = "ministral3-yarn",
       .arch = "mistral3",
       .rope_theta = 1e6,
       .permuted = true,
       .keys = {{"rope.dimension_count", uint32_t{16}},
                {"rope.scaling.type", std::string("yarn")},
                {"rope.scaling.factor", 16.0F},
                {"rope.scaling.original_context_length", uint32_t{8}},
                {"rope.scaling.yarn_beta_fast", 32.0F},
                {"rope.scaling.yarn_beta_slow", 1.0F},
                {"rope.scaling.yarn_log_multiplier", 1.0F},
                {"attention.temperature_scale", 0.1F},
                {"attention.layer_norm_rms_epsilon", 1e-5F}}},
      {.fixture = "glm4-sandwich",
       .arch = "glm4",
       .names = {{"post_self_attn_layernorm", "post_attention_norm"},
                 {"post_mlp_layernorm", "post_ffw_norm"}},
       .keys = {{"rope.dimension_count", uint32_t{8}},
                {"attention.layer_norm_rms_epsilon", 1.5625e-7F}}},
      {.fixture = "smollm3-derived",
       .arch = "smollm3",
       .rope_theta = 1e5,
       .permuted = true,
       .keys = {{"rope.dimension_count", uint32_t{8}}}},
  };
}

TEST(GgufTest, EveryArchitectureThatHasAGguf) {
  std::set<std::string> seen;
  for (const Conversion& conversion : conversions()) {
    const FixtureCase item = fixture_case(conversion.fixture);
    Model model = load(convert(conversion));
    seen.insert(conversion.arch);
    if (item.config.contains("query_pre_attn_scalar") || conversion.arch == "gemma3") {
      // GGUF has no key for it; the fixtures' values are not what llama.cpp would take.
      EXPECT_FLOAT_EQ(model.config.softmax_scale, 0.25F);  // 16^(-1/2)
      const double scalar = item.config.value("query_pre_attn_scalar", 256.0);
      model.config.softmax_scale = static_cast<float>(std::pow(scalar, -0.5));
    }
    EXPECT_LE(worst_of(model, item), 1e-5) << conversion.fixture;
    for (size_t i = 0; i < item.windows.size(); ++i) {
      const LayerConfig& layer = model.config.layers[i];
      const auto window =
          layer.recorded_window ? nlohmann::json(layer.sliding_window) : nlohmann::json();
      EXPECT_EQ(window, item.windows[i]) << conversion.fixture;
    }
  }
  for (const Architecture* architecture : registry()) {
    if (architecture->gguf_arch.empty()) continue;
    EXPECT_TRUE(seen.contains(std::string(architecture->gguf_arch))) << architecture->name;
  }
}

// llama.cpp takes hidden_size / num_attention_heads for the softmax scale of the one size that is
// so.
TEST(GgufTest, SoftmaxScaleOfTheLargestModel) {
  Conversion conversion = conversions().at(5);
  ASSERT_EQ(conversion.arch, "gemma3");
  conversion.keys.emplace_back("block_count", uint32_t{62});
  conversion.keys.emplace_back("embedding_length", uint32_t{96});
  const TestFolder folder;
  write_file(folder.path() / "model.gguf", convert(conversion).bytes());
  const ModelConfig config = read_model_config(folder.path() / "model.gguf", "", registry());
  EXPECT_FLOAT_EQ(config.softmax_scale, static_cast<float>(std::pow(96.0 / 4, -0.5)));
  EXPECT_EQ(config.head_dim, 16);
}

TEST(GgufTest, WithoutAWindowEveryLayerIsFull) {
  Conversion conversion = conversions().at(5);
  conversion.keys.clear();
  const Model model = load(convert(conversion));
  for (const LayerConfig& layer : model.config.layers) {
    EXPECT_EQ(layer.sliding_window, 0);
    EXPECT_EQ(layer.rope_idx, 0);
  }
}

struct OtherRefusal {
  size_t conversion;
  std::string key;
  TestGguf::Value value;
  std::string sentence;
};

TEST(GgufTest, WhatTheFormatCannotSayIsRefused) {
  const std::vector<OtherRefusal> table = {
      {3, "attention.sliding_window", uint32_t{64},
       "qwen2.attention.sliding_window: expected 0, found 64"},
      {9, "rope.dimension_count", uint32_t{17},
       "rope.dimension_count: expected at most 16, found 17"},
      {9, "rope.dimension_sections", std::vector<uint32_t>{4, 4, 0, 0},
       "rope.dimension_sections: expected the key to be absent"},
      {9, "nextn_predict_layers", uint32_t{1}, "expected the tensor blk."},
      {4, "attention.temperature_scale", 0.1F, "attention.temperature_scale: expected 0"},
      {10, "rope.scaling.type", std::string("longrope"), "expected none, linear or yarn"},
      {5, "attention.sliding_window_pattern", std::vector<bool>{true},
       "expected an entry for each of 7 layers (block_count), found 1"},
  };
  for (const OtherRefusal& item : table) {
    Conversion conversion = conversions().at(item.conversion);
    conversion.keys.emplace_back(item.key, item.value);
    try {
      load(convert(conversion));
      ADD_FAILURE() << item.key << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(item.sentence));
    }
  }
}

struct Refusal {
  std::string key;
  std::optional<TestGguf::Value> value;
  std::string sentence;
};

TEST(GgufTest, WrongMetadataIsRefused) {
  const std::vector<Refusal> table = {
      {"general.architecture", std::string("made-up"),
       "general.architecture: made-up is not supported. Supported: llama, mistral3, qwen2, qwen3, "
       "gemma3, glm4, smollm3"},
      {"general.architecture", std::string("clip"), "expected the file of its decoder"},
      {"general.architecture", std::nullopt, "smollm3, found nothing"},
      {"llama.block_count", std::nullopt, "llama.block_count: expected an integer, found nothing"},
      {"llama.block_count", uint32_t{0}, "llama.block_count: expected an integer from 1 to 4096"},
      {"llama.block_count", uint32_t{4294967295}, "block_count: expected an integer from 1"},
      {"llama.block_count", uint32_t{9}, "blk.5.attn_norm.weight [32] is missing"},
      {"llama.attention.head_count", uint32_t{0}, "num_attention_heads: expected an integer from"},
      {"llama.attention.head_count_kv", uint32_t{3}, "num_key_value_heads: expected a divisor"},
      {"llama.attention.layer_norm_rms_epsilon", std::nullopt, "expected a number, found nothing"},
      {"llama.attention.layer_norm_rms_epsilon", 0.0F, "rms_norm_eps: expected a number above 0"},
      {"llama.rope.freq_base", 0.0F, "rope_theta: expected a number above 0, found 0"},
      {"llama.rope.freq_base", -1.0F, "rope_theta: expected a number above 0"},
      {"llama.rope.freq_base", std::numeric_limits<float>::infinity(),
       "llama.rope.freq_base: expected a finite number, found inf"},
      {"llama.rope.freq_base", std::numeric_limits<float>::quiet_NaN(),
       "llama.rope.freq_base: expected a finite number, found nan"},
      {"llama.rope.dimension_count", uint32_t{4}, "rope.dimension_count: expected 8, found 4"},
      {"llama.rope.scaling.type", std::string("longrope"), "expected none, linear or yarn"},
      {"llama.expert_count", uint32_t{8}, "llama.expert_count: expected 0, found 8"},
      {"llama.attention.sliding_window", uint32_t{64}, "sliding_window: expected 0, found 64"},
      {"llama.attention.value_length", uint32_t{16}, "expected attention.key_length (8), found 16"},
  };
  for (const Refusal& item : table) {
    TestGguf file = convert(llama("llama-plain"));
    file.change(item.key, item.value);
    try {
      load(file);
      ADD_FAILURE() << item.key << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(item.sentence));
      EXPECT_THAT(error.what(), HasSubstr("model.gguf"));
    }
  }
}

TEST(GgufTest, DivisorsMustFit) {
  TestGguf file = convert(llama("llama-plain"));
  file.add("rope_freqs.weight", {4}, {1, 1, 0, 1});
  EXPECT_THROW(load(file), Error);
  TestGguf longer = convert(llama("llama-plain"));
  longer.add("rope_freqs.weight", {5}, {1, 1, 1, 1, 1});
  EXPECT_THROW(load(longer), Error);
}

}  // namespace
}  // namespace qk
