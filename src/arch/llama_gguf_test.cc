// Llama from GGUF: configuration out of the metadata, rows of q and k back in Hugging Face's order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

std::string gguf_name(const std::string& name) {
  static const std::vector<std::pair<std::string, std::string>> kWords = {
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"model.layers", "blk"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"post_attention_layernorm", "ffn_norm"},
      {"input_layernorm", "attn_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  std::string out = name;
  for (const auto& [from, to] : kWords) {
    if (const size_t at = out.find(from); at != std::string::npos) {
      out.replace(at, from.size(), to);
    }
  }
  return out;
}

TestGguf convert(const FixtureCase& item, double rope_theta) {
  const auto number = [&](const char* key) { return item.config.at(key).get<uint32_t>(); };
  const uint32_t head_dim = item.config.value("head_dim", number("hidden_size") / 4);
  TestGguf out;
  out.set("general.architecture", std::string("llama"));
  out.set("llama.block_count", number("num_hidden_layers"));
  out.set("llama.context_length", number("max_position_embeddings"));
  out.set("llama.embedding_length", number("hidden_size"));
  out.set("llama.feed_forward_length", number("intermediate_size"));
  out.set("llama.attention.head_count", number("num_attention_heads"));
  out.set("llama.attention.head_count_kv", number("num_key_value_heads"));
  out.set("llama.attention.key_length", head_dim);
  out.set("llama.attention.value_length", head_dim);
  out.set("llama.rope.dimension_count", head_dim);
  out.set("llama.rope.freq_base", static_cast<float>(rope_theta));
  out.set("llama.attention.layer_norm_rms_epsilon", item.config.value("rms_norm_eps", 1e-6F));
  for (const auto& [name, shape] : item.tensors) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    std::vector<float> values = test_weights(name, static_cast<size_t>(count), /*centred=*/false);
    const bool rotated =
        name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos;
    if (rotated) values = permuted(values, count / shape[0], head_dim);
    out.add(gguf_name(name), shape, values);
  }
  return out;
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

TEST(LlamaGgufTest, RowsOfQueriesAndKeysAreBackInOrder) {
  const FixtureCase item = fixture_case("llama-plain");
  Model model = load(convert(item, 10000));
  EXPECT_EQ(model.config.head_dim, 8);
  EXPECT_EQ(model.layers.at(0).q_proj.head_rows, 8);
  EXPECT_LE(worst_of(model, item), 1e-5);
  for (LayerWeights& layer : model.layers) layer.q_proj.head_rows = 0;
  EXPECT_GE(worst_of(model, item), 1e-2);  // the order matters
}

// llama.cpp writes the llama3 scaling as divisors; biases are permuted like rows.
TEST(LlamaGgufTest, DivisorsAndBiases) {
  const FixtureCase item = fixture_case("llama-bias");
  TestGguf file = convert(item, 500000);
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

TEST(LlamaGgufTest, LinearScaling) {
  const FixtureCase item = fixture_case("llama-linear");
  TestGguf file = convert(item, 10000);
  file.set("llama.rope.scaling.type", std::string("linear"));
  file.set("llama.rope.scaling.factor", 4.0F);
  EXPECT_LE(worst_of(load(file), item), 1e-5);
}

struct Refusal {
  std::string key;
  std::optional<TestGguf::Value> value;
  std::string sentence;
};

TEST(LlamaGgufTest, WrongMetadataIsRefused) {
  const std::vector<Refusal> table = {
      {"general.architecture", std::string("made-up"),
       "general.architecture: expected one of llama, found made-up"},
      {"general.architecture", std::nullopt, "expected one of llama, found nothing"},
      {"llama.block_count", std::nullopt, "llama.block_count: expected an integer, found nothing"},
      {"llama.block_count", uint32_t{0}, "num_hidden_layers: expected an integer from 1 to 4096"},
      {"llama.block_count", uint32_t{4294967295}, "num_hidden_layers: expected an integer from 1"},
      {"llama.block_count", uint32_t{9}, "blk.5.attn_norm.weight [32] is missing"},
      {"llama.attention.head_count", uint32_t{0}, "num_attention_heads: expected an integer from"},
      {"llama.attention.head_count_kv", uint32_t{3}, "num_key_value_heads: expected a divisor"},
      {"llama.attention.layer_norm_rms_epsilon", std::nullopt, "expected a number, found nothing"},
      {"llama.attention.layer_norm_rms_epsilon", 0.0F, "rms_norm_eps: expected a number above 0"},
      {"llama.rope.freq_base", 0.0F, "rope_theta: expected a number above 0, found 0"},
      {"llama.rope.freq_base", -1.0F, "rope_theta: expected a number above 0"},
      {"llama.rope.freq_base", std::numeric_limits<float>::infinity(), "rope_theta: expected"},
      {"llama.rope.freq_base", std::numeric_limits<float>::quiet_NaN(), "rope_theta: expected"},
      {"llama.rope.dimension_count", uint32_t{4}, "rope.dimension_count: expected 8, found 4"},
      {"llama.rope.scaling.type", std::string("longrope"), "expected none, linear or yarn"},
      {"llama.expert_count", uint32_t{8}, "llama.expert_count: expected 0, found 8"},
      {"llama.attention.sliding_window", uint32_t{64}, "sliding_window: expected 0, found 64"},
      {"llama.attention.value_length", uint32_t{16}, "expected attention.key_length (8), found 16"},
  };
  for (const Refusal& item : table) {
    TestGguf file = convert(fixture_case("llama-plain"), 10000);
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

TEST(LlamaGgufTest, DivisorsMustFit) {
  TestGguf file = convert(fixture_case("llama-plain"), 10000);
  file.add("rope_freqs.weight", {4}, {1, 1, 0, 1});
  EXPECT_THROW(load(file), Error);
  TestGguf longer = convert(fixture_case("llama-plain"), 10000);
  longer.add("rope_freqs.weight", {5}, {1, 1, 1, 1, 1});
  EXPECT_THROW(load(longer), Error);
}

}  // namespace
}  // namespace qk
