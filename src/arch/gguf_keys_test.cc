// What each key of a GGUF file's metadata means. Oracle: llama.cpp, by tools/sweep_gguf_keys.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/registry.h"
#include "formats/safetensors.h"
#include "model/model.h"
#include "model/test_gguf.h"

namespace qk {
namespace gguf_keys_test {

using testing::HasSubstr;
using Change = std::pair<std::string, std::optional<TestGguf::Value>>;
using Changes = std::vector<Change>;

const std::vector<std::string> kArchitectures = {"llama",    "qwen2", "qwen3",  "gemma3",
                                                 "mistral3", "glm4",  "smollm3"};

// A file of metadata and an embedding. Keys of changes are without "<arch>.".
TestGguf file_of(const std::string& arch, const Changes& changes) {
  TestGguf out;
  out.set("general.architecture", arch);
  for (const auto& [key, value] : std::vector<std::pair<std::string, TestGguf::Value>>{
           {"block_count", uint32_t{4}},
           {"context_length", uint32_t{512}},
           {"embedding_length", uint32_t{32}},
           {"feed_forward_length", uint32_t{48}},
           {"attention.head_count", uint32_t{4}},
           {"attention.layer_norm_rms_epsilon", 1e-5F},
           {"rope.freq_base", 5e5F}}) {
    out.set(arch + "." + key, value);
  }
  for (const auto& [key, value] : changes) out.change(arch + "." + key, value);
  out.add("token_embd.weight", {3, 32}, std::vector<float>(96, 0.5F));
  return out;
}

ModelConfig config_of(const TestGguf& file, const std::string& name = "model.gguf") {
  const TestFolder folder;
  write_file(folder.path() / name, file.bytes());
  return read_model_config(folder.path() / name, "", registry());
}

ModelConfig config_of(const std::string& arch, const Changes& changes) {
  return config_of(file_of(arch, changes));
}

std::string refusal(const std::string& arch, const Changes& changes) {
  try {
    config_of(arch, changes);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TestGguf::Value text(const char* value) { return std::string(value); }

TEST(GgufKeys, TheFileSaysHowMuchOfAHeadRotates) {
  for (const char* type : {"none", "linear", "yarn"}) {
    SCOPED_TRACE(type);
    const Changes scaling = {{"rope.scaling.type", text(type)}, {"rope.scaling.factor", 2.0F}};
    Changes part = scaling;
    part.emplace_back("rope.dimension_count", uint32_t{6});
    EXPECT_EQ(config_of("glm4", scaling).rope.at(0).rotary_dim, 8);  // the class would say 4
    EXPECT_EQ(config_of("glm4", part).rope.at(0).rotary_dim, 6);
    part.back().second = uint32_t{3};
    EXPECT_THAT(refusal("glm4", part), HasSubstr("expected an even number"));
  }
}

TEST(GgufKeys, DefaultsAreThoseOfLlamaCpp) {
  for (const std::string& arch : kArchitectures) {
    SCOPED_TRACE(arch);
    const ModelConfig config = config_of(arch, {});
    EXPECT_EQ(config.num_key_value_heads, 4);
    EXPECT_EQ(config.head_dim, 8);
    EXPECT_EQ(config.max_position_embeddings, 512);
    EXPECT_EQ(config.rope.at(0).type, RopeType::kDefault);
    EXPECT_EQ(config.rope.at(0).rope_theta, 5e5);
    EXPECT_EQ(config.rope.at(0).rotary_dim, 8);
    EXPECT_EQ(config.query_scale_beta, 0);
    for (const LayerConfig& layer : config.layers) EXPECT_EQ(layer.sliding_window, 0);
    if (arch == "gemma3") continue;  // whose files always have it
    EXPECT_EQ(config_of(arch, {{"rope.freq_base", std::nullopt}}).rope.at(0).rope_theta, 1e4);
  }
}

TEST(GgufKeys, AFactorWithoutATypeIsLinear) {
  struct Row {
    Changes changes;
    RopeType type;
    double factor;
  };
  const std::vector<Row> table = {
      {{{"rope.scaling.factor", 4.0F}}, RopeType::kLinear, 4},
      {{{"rope.scale_linear", 4.0F}}, RopeType::kLinear, 4},
      {{{"rope.scaling.factor", 2.0F}, {"rope.scale_linear", 4.0F}}, RopeType::kLinear, 2},
      {{{"rope.scaling.factor", 0.0F}, {"rope.scale_linear", 4.0F}}, RopeType::kDefault, 1},
      {{{"rope.scaling.factor", 1.0F}}, RopeType::kDefault, 1},
      {{{"rope.scaling.factor", 4.0F}, {"rope.scaling.type", text("none")}}, RopeType::kDefault, 1},
      {{{"rope.scaling.type", text("linear")}}, RopeType::kDefault, 1},
      {{{"rope.scaling.type", text("yarn")}}, RopeType::kDefault, 1},
      {{{"rope.scaling.type", text("yarn")}, {"rope.scale_linear", 4.0F}}, RopeType::kYarn, 4},
  };
  for (const std::string& arch : kArchitectures) {
    for (const Row& row : table) {
      const RopeParameters rope = config_of(arch, row.changes).rope.at(0);
      EXPECT_EQ(rope.type, row.type) << arch << " " << row.changes.at(0).first;
      EXPECT_EQ(row.type == RopeType::kDefault ? 1 : rope.factor, row.factor) << arch;
      EXPECT_EQ(rope.original_max_position_embeddings, row.type == RopeType::kYarn ? 512 : 0);
    }
  }
}

TEST(GgufKeys, QueriesGrowFromTheOriginalLength) {
  ModelConfig config = config_of("mistral3", {{"attention.temperature_scale", 0.1F}});
  EXPECT_FLOAT_EQ(static_cast<float>(config.query_scale_beta), 0.1F);
  EXPECT_EQ(config.query_scale_length, 512);
  config = config_of("mistral3", {{"attention.temperature_scale", 0.1F},
                                  {"rope.scaling.original_context_length", uint32_t{16}}});
  EXPECT_EQ(config.query_scale_length, 16);
}

TEST(GgufKeys, WindowsOfGemma3) {
  const auto windows = [](std::optional<TestGguf::Value> pattern) {
    std::vector<bool> out;
    const ModelConfig config =
        config_of("gemma3", {{"attention.sliding_window", uint32_t{8}},
                             {"attention.sliding_window_pattern", std::move(pattern)}});
    for (const LayerConfig& layer : config.layers) out.push_back(layer.sliding_window == 8);
    return out;
  };
  using Flags = std::vector<bool>;
  EXPECT_EQ(windows(std::nullopt), (Flags{true, true, true, true}));  // every sixth has none
  EXPECT_EQ(windows(uint32_t{2}), (Flags{true, false, true, false}));
  EXPECT_EQ(windows(uint32_t{0}), (Flags{true, true, true, true}));
  EXPECT_EQ(windows(Flags{false, true, true, false}), (Flags{false, true, true, false}));
  EXPECT_EQ(windows(std::vector<uint32_t>{1, 0, 0, 2}), (Flags{true, false, false, true}));
  EXPECT_EQ(config_of("gemma3", {{"attention.sliding_window", uint32_t{8}}}).rope.at(1).rope_theta,
            1e4);
}

TEST(GgufKeys, ListsHaveOneEntryPerLayer) {
  const std::vector<uint32_t> fours(4, 4);
  EXPECT_EQ(config_of("llama", {{"attention.head_count", fours}}).num_attention_heads, 4);
  EXPECT_EQ(config_of("llama", {{"feed_forward_length", fours}}).intermediate_size, 4);
  for (const std::string key :
       {"feed_forward_length", "attention.head_count", "attention.head_count_kv"}) {
    EXPECT_THAT(refusal("llama", {{key, std::vector<uint32_t>(3, 4)}}),
                HasSubstr("llama." + key +
                          ": expected an entry for each of 4 layers (block_count), found 3"));
    EXPECT_THAT(refusal("llama", {{key, std::vector<uint32_t>{4, 4, 4, 2}}}),
                HasSubstr("expected the same number in every layer, found 4 and 2"));
  }
  EXPECT_THAT(refusal("gemma3", {{"attention.sliding_window", uint32_t{8}},
                                 {"attention.sliding_window_pattern", std::vector<bool>(5)}}),
              HasSubstr("expected an entry for each of 4 layers (block_count), found 5"));
}

// Layers that predict further tokens come last and are counted.
TEST(GgufKeys, PredictionLayersDoNotRun) {
  const Changes one = {{"nextn_predict_layers", uint32_t{1}}};
  TestGguf file = file_of("glm4", one);
  file.add("blk.3.nextn.eh_proj.weight", {1, 2}, {0, 0});
  EXPECT_EQ(config_of(file).num_hidden_layers, 3);
  EXPECT_THAT(refusal("glm4", one), HasSubstr("expected the tensor blk.3.nextn.eh_proj.weight"));
  EXPECT_THAT(refusal("qwen3", one), HasSubstr("qwen3.nextn_predict_layers: expected 0, found 1"));
}

TEST(GgufKeys, AWindowIsOfSomeLayer) {
  for (const TestGguf::Value& pattern :
       {TestGguf::Value(uint32_t{1}), TestGguf::Value(std::vector<bool>(4))}) {
    EXPECT_THAT(refusal("gemma3", {{"attention.sliding_window", uint32_t{8}},
                                   {"attention.sliding_window_pattern", pattern}}),
                HasSubstr("expected a window in one layer at least, found none"));
  }
}

struct KeyRefusal {
  std::string arch;
  Changes changes;
  std::string sentence;
};

TEST(GgufKeys, WhatChangesTheComputationIsReadOrRefused) {
  const Change yarn = {"rope.scaling.type", text("yarn")};
  const Change four = {"rope.scaling.factor", 4.0F};
  const std::vector<KeyRefusal> table = {
      {"llama", {{"context_length", std::nullopt}}, "context_length: expected an integer"},
      {"llama", {{"block_count", int32_t{-4}}}, "expected an integer of at least 0, found -4"},
      {"llama", {{"attention.head_count", 4.0F}}, "attention.head_count: expected an integer"},
      {"llama", {{"rope.scaling.type", uint32_t{1}}}, "rope.scaling.type: expected a string"},
      {"llama", {{"rope.scaling.type", text("Linear")}}, "expected none, linear or yarn"},
      {"llama", {{"rope.scaling.type", text("")}}, "expected none, linear or yarn"},
      {"llama",
       {{"attention.key_length", uint32_t{16}}},
       "attention.value_length: expected attention.key_length (16), found 8"},
      {"gemma3",
       {{"rope.freq_base", std::nullopt}, {"rope.global.freq_base", 1e6F}},  // as Ollama writes it
       "gemma3.rope.freq_base: expected a number, found nothing; llama.cpp's convert_hf_to_gguf.py"},
      {"llama", {{"attention.causal", false}}, "attention.causal: expected true, found false"},
      {"gemma3", {{"attn_logit_softcapping", 50.0F}}, "softcapping: expected 0, found 50"},
      {"llama", {{"residual_scale", 0.5F}}, "residual_scale: expected 1 or 0, found 0.5"},
      {"llama", {{"embedding_scale", 12.0F}}, "embedding_scale: expected 1 or 0, found 12"},
      {"llama", {{"attention.scale", 0.5F}}, "attention.scale: expected 0 or 0.35"},
      {"llama",
       {{"attention.layer_norm_epsilon", 1e-2F}},
       "layer_norm_epsilon: expected 1e-05, found 0.01"},
      {"llama", {{"rope.scaling.attn_factor", 1.5F}}, "attn_factor: expected 1, found 1.5"},
      {"llama", {{"expert_used_count", uint32_t{2}}}, "expert_used_count: expected 0, found 2"},
      {"qwen2",
       {yarn, four, {"rope.scaling.yarn_beta_fast", 16.0F}},
       "yarn_beta_fast: expected 32, found 16"},
      {"qwen2",
       {yarn, four, {"rope.scaling.yarn_attn_factor", 1.0F}},
       "yarn_attn_factor: expected 1.138"},
      {"qwen2",
       {yarn, four, {"rope.scaling.yarn_log_multiplier", 0.7F}},
       "yarn_log_multiplier: expected 0, found 0.7"},
      {"mistral3",
       {yarn, four, {"rope.scaling.original_context_length", uint32_t{1}}},
       "expected more than 2 pi rope.scaling.yarn_beta_slow"},
      {"mistral3",
       {{"rope.scaling.original_context_length", uint32_t{0}}},
       "expected an integer from 1 to 2147483647, found 0"},
      {"gemma3",
       {{"attention.key_length_swa", uint32_t{4}}},
       "key_length_swa: expected 8, found 4"},
      {"llama", {{"rope.freq_base_swa", 1e4F}}, "freq_base_swa: expected 500000, found 10000"},
      {"llama", {{"use_parallel_residual", true}}, "use_parallel_residual: expected false"},
  };
  for (const KeyRefusal& row : table) {
    EXPECT_THAT(refusal(row.arch, row.changes), HasSubstr(row.sentence));
  }
}

// Among them those of Ollama's own converter.
TEST(GgufKeys, UnknownKeysOfTheComputationAreRefused) {
  for (const char* key :
       {"rope.scaling.mscale", "rope.scaling.beta_fast", "rope.scaling_beta", "rope.freq_scale",
        "rope.global.freq_base", "rope.interleaved", "attention.q_lora_rank", "attention.other",
        "embedding_multiplier", "hidden_activation", "swin_norm", "ssm.conv_kernel"}) {
    EXPECT_THAT(refusal("mistral3", {{key, 1.0F}}),
                HasSubstr("mistral3." + std::string(key) + ": expected no such key, found 1: "));
  }
}

TEST(GgufKeys, OtherKeysArePassedOver) {
  for (const std::string& arch : kArchitectures) {
    EXPECT_EQ(refusal(arch, {{"pooling_type", uint32_t{3}},
                             {"logit_scale", 0.5F},
                             {"final_logit_softcapping", 30.0F},
                             {"rope.scaling.finetuned", true},
                             {"vocab_size", uint32_t{7}},
                             {"vision.attention.head_count", uint32_t{3}},
                             {"mm.tokens_per_image", uint32_t{3}},
                             {"expert_weights_scale", 2.0F},
                             {"expert_count", uint32_t{0}},
                             {"residual_scale", 0.0F},
                             {"attention.causal", true},
                             {"attention.layer_norm_epsilon", 1e-5F},
                             {"rope.scaling.yarn_beta_fast", 16.0F},  // not YaRN
                             {"image_token_index", uint32_t{10}}}),
              "accepted")
        << arch;
  }
}

TEST(GgufKeys, TensorsThatContradictTheMetadataAreRefused) {
  TestGguf file = file_of("llama", {});
  file.add("blk.4.attn_q.weight", {1}, {0});
  EXPECT_THROW(config_of(file), Error);  // a fifth layer
  TestGguf divisors = file_of("qwen2", {});
  divisors.add("rope_freqs.weight", {4}, {1, 1, 1, 1});
  EXPECT_THROW(config_of(divisors), Error);
  TestGguf adapter = file_of("llama", {});
  adapter.set("general.type", text("adapter"));
  EXPECT_THROW(config_of(adapter), Error);
}

TEST(GgufFileNames, TheContentCounts) {
  for (const char* name : {"sha256-00", "model.bin", "model.GGUF", "x.safetensors"}) {
    EXPECT_EQ(config_of(file_of("llama", {}), name).num_hidden_layers, 4) << name;
  }
}

std::string refusal_of(const std::filesystem::path& path) {
  try {
    read_model_config(path, "", registry());
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GgufFileNames, OtherContentIsNamed) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  write_file(path, "<!DOCTYPE html>");
  EXPECT_THAT(refusal_of(path), HasSubstr("expected 'GGUF' at its start, found '<!DO'"));
  write_file(path, "");
  EXPECT_THAT(refusal_of(path), HasSubstr("expected 'GGUF' at its start, found no content"));
  write_file(folder.path() / "blob", "something else");
  EXPECT_THAT(refusal_of(folder.path() / "blob"),
              HasSubstr("expected a model folder or a GGUF file, found another file"));
  write_file(folder.path() / "pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:" +
                                            std::string(64, '0') + "\nsize 12\n");
  EXPECT_THAT(refusal_of(folder.path() / "pointer"), HasSubstr("Git LFS"));
}

TEST(GgufFileNames, AFolderSaysWhichFileToName) {
  const TestFolder folder;
  write_file(folder.path() / "b-Q4.gguf", file_of("llama", {}).bytes());
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("the folder holds b-Q4.gguf: name that file"));
  write_file(folder.path() / "a-Q8.gguf", file_of("llama", {}).bytes());
  EXPECT_THAT(refusal_of(folder.path()),
              HasSubstr("the folder holds 2 GGUF files, a-Q8.gguf first: name one of them"));
  try {  // as where a config.json lies beside them
    open_safetensors(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a-Q8.gguf first: name one of them"));
  }
}

}  // namespace gguf_keys_test
}  // namespace qk
