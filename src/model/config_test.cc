#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_configs.h"

namespace qk {
namespace {

using testing::HasSubstr;

TEST(ConfigTest, DefaultsOfAnEmptyFile) {
  const ModelConfig config = resolve({{"model_type", "plain"}});
  EXPECT_EQ(config.vocab_size, 32000);
  EXPECT_EQ(config.num_hidden_layers, 32);
  EXPECT_EQ(config.num_key_value_heads, 32);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.rope.at(0).rope_theta, 10000.0);
  EXPECT_EQ(config.rope.at(0).rotary_dim, 128);
  EXPECT_EQ(config.layers.at(31).sliding_window, 0);
  EXPECT_FALSE(config.qkv_bias);
}

TEST(ConfigTest, KeyThatMakesItAnotherArchitecture) {
  const json types = {"full_attention", "sliding_attention", "full_attention", "sliding_attention",
                      "full_attention"};
  const ModelConfig config =
      resolve(with(base("plain"),
                   {{"layer_types", types}, {"use_sliding_window", true}, {"sliding_window", 7}}));
  EXPECT_EQ(config.architecture, "upper");
  EXPECT_EQ(config.model_type, "upper");
  EXPECT_EQ(config.layers.at(0).sliding_window, 0);
  EXPECT_EQ(config.layers.at(1).sliding_window, 7);
  EXPECT_EQ(resolve(with(base("plain"), {{"layer_types", nullptr}})).architecture, "upper");
  EXPECT_EQ(resolve(base("plain")).architecture, "plain");
}

TEST(ConfigTest, NullIsNotAbsent) {
  EXPECT_EQ(resolve(base("upper")).head_dim, 128);
  EXPECT_EQ(resolve(with(base("plain"), {{"head_dim", nullptr}})).head_dim, 8);
  EXPECT_EQ(resolve(with(base("plain"), {{"num_key_value_heads", nullptr}})).num_key_value_heads,
            4);
  const json windowed =
      with(base("upper"), {{"use_sliding_window", true}, {"max_window_layers", 0}});
  EXPECT_EQ(resolve(windowed).layers.at(0).sliding_window, 4096);
  EXPECT_EQ(resolve(with(windowed, {{"sliding_window", nullptr}})).layers.at(0).sliding_window, 0);
}

// As Python: a float is no size, but it may be a window.
TEST(ConfigTest, IntegralFloatsAreWindowsButNoSizes) {
  const json config = with(base("upper"), {{"use_sliding_window", true}, {"max_window_layers", 0}});
  EXPECT_EQ(resolve(with(config, {{"sliding_window", 9.0}})).layers.at(0).sliding_window, 9);
  EXPECT_THAT(refusal(with(config, {{"sliding_window", 9.5}})), HasSubstr("found 9.5"));
  EXPECT_THAT(refusal(with(base("plain"), {{"hidden_size", 64.0}})),
              HasSubstr("hidden_size: expected an integer from 1 to 4194304, found 64.0"));
}

TEST(ConfigTest, FlagsArePythonsTruth) {
  for (const json& value : {json(), json(false), json(0), json(0.0)}) {
    EXPECT_FALSE(resolve(with(base("plain"), {{"attention_bias", value}})).qkv_bias) << value;
  }
  EXPECT_TRUE(resolve(with(base("plain"), {{"attention_bias", 1}})).qkv_bias);
}

// Values that nothing reads may be anything.
TEST(ConfigTest, OnlyWhatIsUsedIsRefused) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 2.0}};
  const json plain = with(base("plain"), {{"max_position_embeddings", nullptr},
                                          {"original_max_position_embeddings", "x"},
                                          {"sliding_window", "x"},
                                          {"query_pre_attn_scalar", -1}});
  EXPECT_EQ(resolve(plain).max_position_embeddings, 0);
  EXPECT_THAT(refusal(with(plain, {{"rope_scaling", yarn}, {"max_position_embeddings", 512}})),
              HasSubstr("original_max_position_embeddings: expected an integer"));
  json no_length = with(plain, {{"rope_scaling", yarn}});
  no_length.erase("original_max_position_embeddings");
  EXPECT_THAT(refusal(no_length), HasSubstr("max_position_embeddings: expected an integer from 1 "
                                            "to 1099511627776, found null"));
  // No layer has a window.
  const json upper = with(base("upper"), {{"sliding_window", 0}});
  EXPECT_EQ(resolve(upper).layers.at(4).sliding_window, 0);
  EXPECT_THAT(refusal(with(upper, {{"use_sliding_window", true}, {"max_window_layers", 4}})),
              HasSubstr("sliding_window: expected an integer from 1 to 2147483648, found 0"));
}

TEST(ConfigTest, NonFiniteNumbersAreReadAndRefusedWhereUsed) {
  const auto outcome = [](const std::string& key, const std::string& value) -> std::string {
    const TestFolder folder;
    std::string text = base("plain").dump();
    text.insert(1, "\"" + key + "\": " + value + ", ");
    write_file(folder.path() / "config.json", text);
    try {
      read_model_config(folder.path(), "", kRegistry);
    } catch (const Error& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_EQ(outcome("time_step_limit", "[0.0, Infinity]"), "read");
  EXPECT_EQ(outcome("initializer_range", "NaN"), "read");
  EXPECT_EQ(outcome("sliding_window", "-Infinity"), "read");
  EXPECT_THAT(outcome("rms_norm_eps", "NaN"),
              HasSubstr("rms_norm_eps: expected a number above 0, found NaN"));
  EXPECT_THAT(outcome("rope_theta", "Infinity"),
              HasSubstr("rope_theta: expected a number above 0"));
  EXPECT_THAT(outcome("head_dim", "-Infinity"), HasSubstr("found -Infinity"));
}

// What transformers makes of these is an error, or depends on its version.
TEST(ConfigTest, WhatTransformersRefusesIsRefused) {
  const std::pair<json, std::string> table[] = {
      {with(base("upper"), {{"head_dim", nullptr}}), "head_dim: expected an integer, found null"},
      {with(base("two_ropes_text"), {{"sliding_window", nullptr}}),
       "sliding_window: expected an integer, found null"},
      {with(base("two_ropes_text"), {{"num_key_value_heads", nullptr}}),
       "num_key_value_heads: expected an integer, found null"},
      {with(base("no_rope"), {{"head_dim", 16}}),
       "head_dim: expected hidden_size / num_attention_heads (8), found 16"},
      {with(base("plain"), {{"rope_theta", nullptr}}), "rope_theta: expected a number above 0"},
      {with(base("plain"), {{"partial_rotary_factor", 0.5},
                            {"rope_scaling", {{"rope_type", "linear"}, {"factor", 2.0}}}}),
       "partial_rotary_factor: expected 1 (this architecture rotates whole heads), found 0.5"},
      {with(base("plain"), {{"text_config", json::object()}}), "text_config: expected nothing"},
      {with(base("upper"), {{"layer_types", json::array({"full_attention"})}}),
       "layer_types: expected an entry for each of 5 layers, found 1"},
      {with(base("plain"), {{"is_causal", false}}), "is_causal: expected true"},
      {with(base("plain"), {{"is_causal", nullptr}}), "is_causal: expected true"},
      {with(base("no_rope"), {{"rope_parameters", {{"rope_type", "default"}}}}),
       "llama_4_scaling_beta: expected a number, found nothing"},
  };
  for (const auto& [config, sentence] : table) {
    EXPECT_THAT(refusal(config), HasSubstr(sentence)) << config;
  }
  EXPECT_EQ(refusal(with(base("plain"), {{"is_causal", true}})), "nothing was refused");
}

TEST(ConfigTest, BothSpellingsOfRopeMeanTheSame) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 64}};
  const ModelConfig v4 =
      resolve(with(base("plain"), {{"rope_theta", 5e5}, {"rope_scaling", scaling}}));
  const ModelConfig v5 =
      resolve(with(base("plain"), {{"rope_parameters", with(scaling, {{"rope_theta", 5e5}})}}));
  for (const ModelConfig& config : {v4, v5}) {
    const RopeParameters& rope = config.rope.at(0);
    EXPECT_EQ(rope.type, RopeType::kLlama3);
    EXPECT_EQ(rope.rope_theta, 5e5);
    EXPECT_EQ(rope.factor, 8.0);
    EXPECT_EQ(rope.original_max_position_embeddings, 64);
  }
}

TEST(ConfigTest, RopeScalingReplacesRopeParameters) {
  const ModelConfig config = resolve(
      with(base("plain"), {{"rope_theta", 7.0},
                           {"rope_parameters", {{"rope_theta", 5e5}, {"rope_type", "default"}}},
                           {"rope_scaling", {{"type", "linear"}, {"factor", 4.0}}}}));
  EXPECT_EQ(config.rope.at(0).type, RopeType::kLinear);
  EXPECT_EQ(config.rope.at(0).rope_theta, 7.0);
  const ModelConfig inner = resolve(
      with(base("plain"), {{"rope_theta", 7.0}, {"rope_parameters", {{"rope_theta", 5e5}}}}));
  EXPECT_EQ(inner.rope.at(0).rope_theta, 5e5);
}

TEST(ConfigTest, OriginalLengthOfTheTopWins) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", nullptr}};
  const json config = with(base("plain"), {{"rope_scaling", yarn}});
  EXPECT_EQ(resolve(config).rope.at(0).original_max_position_embeddings, 512);
  EXPECT_EQ(resolve(config).rope.at(0).factor, 1.0);
  const ModelConfig top = resolve(with(config, {{"original_max_position_embeddings", 128}}));
  EXPECT_EQ(top.rope.at(0).original_max_position_embeddings, 128);
  EXPECT_EQ(top.rope.at(0).factor, 4.0);
}

TEST(ConfigTest, WindowsFromTheUpperLayersOn) {
  const json off = with(base("upper"), {{"sliding_window", 6}, {"max_window_layers", 3}});
  EXPECT_EQ(resolve(off).layers.at(4).sliding_window, 0);
  const ModelConfig config = resolve(with(off, {{"use_sliding_window", true}}));
  EXPECT_EQ(config.layers.at(2).sliding_window, 0);
  EXPECT_FALSE(config.layers.at(2).recorded_window);
  EXPECT_EQ(config.layers.at(3).sliding_window, 6);
  EXPECT_TRUE(config.layers.at(3).recorded_window);
  EXPECT_TRUE(config.qkv_bias);
  EXPECT_FALSE(config.o_bias);
}

TEST(ConfigTest, NestedConfigurationOfAWrapper) {
  const ModelConfig config =
      resolve({{"model_type", "two_ropes"},
               {"image_token_index", 262144},
               {"text_config", {{"hidden_size", 2560}, {"num_hidden_layers", 7}}}});
  EXPECT_EQ(config.model_type, "two_ropes_text");
  EXPECT_EQ(config.head_dim, 256);
  EXPECT_EQ(config.hidden_act, Activation::kGeluTanh);
  EXPECT_FLOAT_EQ(config.embedding_scale, 50.596443F);
  EXPECT_FLOAT_EQ(config.softmax_scale, 1.0F / 16);
  EXPECT_EQ(config.rope.at(0).rope_theta, 1e6);
  EXPECT_EQ(config.rope.at(1).rope_theta, 1e4);
  EXPECT_EQ(config.layers.at(4).sliding_window, 4096);
  EXPECT_EQ(config.layers.at(4).rope_idx, 1);
  EXPECT_EQ(config.layers.at(5).sliding_window, 0);
  EXPECT_EQ(config.layers.at(5).rope_idx, 0);
}

TEST(ConfigTest, RopePerLayerType) {
  const json v4 =
      with(base("two_ropes_text"), {{"rope_theta", 2e6},
                                    {"rope_local_base_freq", 5e3},
                                    {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}});
  EXPECT_EQ(resolve(v4).rope.at(0).type, RopeType::kLinear);
  EXPECT_EQ(resolve(v4).rope.at(0).rope_theta, 2e6);
  EXPECT_EQ(resolve(v4).rope.at(1).type, RopeType::kDefault);
  EXPECT_EQ(resolve(v4).rope.at(1).rope_theta, 5e3);
  const json v5 = with(base("two_ropes_text"),
                       {{"rope_parameters",
                         {{"full_attention", {{"rope_type", "linear"}, {"factor", 2.0}}},
                          {"sliding_attention", {{"rope_theta", 3e3}}}}}});
  EXPECT_EQ(resolve(v5).rope.at(0).factor, 2.0);
  EXPECT_EQ(resolve(v5).rope.at(0).rope_theta, 1e6);
  EXPECT_EQ(resolve(v5).rope.at(1).rope_theta, 3e3);
}

TEST(ConfigTest, BidirectionalHalvesTheWindow) {
  const ModelConfig config = resolve(
      with(base("two_ropes_text"), {{"use_bidirectional_attention", true}, {"sliding_window", 9}}));
  EXPECT_FALSE(config.causal);
  EXPECT_EQ(config.layers.at(0).sliding_window, 5);
}

TEST(ConfigTest, LayersWithoutRopeAndSkippedLayers) {
  const json config =
      with(base("no_rope"),
           {{"no_rope_layer_interval", 2}, {"sliding_window", 5}, {"use_sliding_window", true}});
  const ModelConfig out = resolve(config);
  EXPECT_EQ(out.embedding_rows, 105);
  EXPECT_EQ(out.head_dim, 8);
  EXPECT_FALSE(out.layers.at(1).runs);
  EXPECT_EQ(out.layers.at(2).rope_idx, 0);
  EXPECT_EQ(out.layers.at(2).sliding_window, 0);
  EXPECT_EQ(out.layers.at(3).rope_idx, -1);
  EXPECT_EQ(out.layers.at(3).sliding_window, 5);
  EXPECT_EQ(out.rope.at(0).type, RopeType::kYarn);
  EXPECT_EQ(out.query_scale_beta, 0.1);
  EXPECT_EQ(out.query_scale_length, 64);
  // Off: the given types still mask, but nothing is recorded.
  const json types = {"sliding_attention", "full_attention", "full_attention", "full_attention",
                      "full_attention"};
  const ModelConfig off =
      resolve(with(config, {{"use_sliding_window", false}, {"layer_types", types}}));
  EXPECT_EQ(off.layers.at(0).sliding_window, 5);
  EXPECT_FALSE(off.layers.at(0).recorded_window);
}

TEST(OverridesTest, RopeScalingIsMergedAndKeepsTheta) {
  const ModelConfig config = resolve(with(base("plain"), {{"rope_theta", 1e6}}),
                                     R"({"rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                  "original_max_position_embeddings": 32768}})");
  EXPECT_EQ(config.rope.at(0).type, RopeType::kYarn);
  EXPECT_EQ(config.rope.at(0).rope_theta, 1e6);
  EXPECT_EQ(config.rope.at(0).original_max_position_embeddings, 32768);
  EXPECT_EQ(config.max_position_embeddings, 512);
}

TEST(OverridesTest, OtherKeysAreReplaced) {
  const ModelConfig config =
      resolve(base("plain"), R"({"num_hidden_layers": 2, "rms_norm_eps": 0.5})");
  EXPECT_EQ(config.num_hidden_layers, 2);
  EXPECT_EQ(config.layers.size(), 2U);
  EXPECT_EQ(config.rms_norm_eps, 0.5);
}

TEST(OverridesTest, DerivedLayerTypesStay) {
  const json config =
      with(base("upper"),
           {{"sliding_window", 6}, {"max_window_layers", 3}, {"use_sliding_window", true}});
  // It has been used already when overrides apply.
  EXPECT_THAT(
      refusal(config, R"({"max_window_layers": 0})"),
      HasSubstr("max_window_layers: expected a key that this model reads, found one that has "
                "no effect on it"));
  EXPECT_EQ(resolve(config, R"({"sliding_window": 9})").layers.at(4).sliding_window, 9);
}

TEST(OverridesTest, DoNotReachIntoAWrapper) {
  const json wrapper = {{"model_type", "two_ropes"}, {"text_config", base("two_ropes_text")}};
  EXPECT_THAT(refusal(wrapper, R"({"sliding_window": 3})"),
              HasSubstr("model.config_overrides: sliding_window: expected a model whose decoder "
                        "is described at the top of config.json, found "));
  EXPECT_EQ(refusal(wrapper, "{}"), "nothing was refused");
}

TEST(OverridesTest, IdleOverridesAreRefused) {
  EXPECT_THAT(refusal(base("plain"), R"({"rope_theta": 5.0})"),
              HasSubstr("model.config_overrides: rope_theta: expected the key inside"));
  EXPECT_THAT(refusal(base("plain"), R"({"rope_scaling": {"type": "linear", "factor": 2.0}})"),
              HasSubstr("expected the key rope_type"));
  EXPECT_THAT(refusal(base("plain"), R"({"text_config": {}})"), HasSubstr("text_config"));
  EXPECT_THAT(refusal(base("plain"), "[1]"), HasSubstr("expected a mapping"));
  EXPECT_THAT(refusal(base("plain"), R"({"hidden_size": "a"})"),
              HasSubstr("config.json with model.config_overrides: hidden_size: expected"));
}

TEST(OverridesTest, KeysThatNothingReadsAreRefusedWithTheNearest) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 2.0}};
  const json config = with(base("plain"), {{"rope_scaling", yarn}});
  const std::pair<const char*, const char*> table[] = {
      {R"({"rms_norm_epsilon": 1e-5})",
       "rms_norm_epsilon: expected a key that this model reads, found one that has no effect on it; "
       "did you mean rms_norm_eps?"},
      {R"({"rope_scaling": {"beta_fst": 8}})", "did you mean beta_fast?"},
      {R"({"rope_parameters": {"low_freq_factor": 2.0}})",
       "rope_parameters.low_freq_factor: expected a key that this model reads"},
      {R"({"rope_scaling": {"fcator": 3}})", "did you mean factor?"},
      {R"({"use_cache": false})", "use_cache: expected a key that this model reads"},
      {R"({"sliding_window": 4})", "sliding_window: expected a key that this model reads"},
      {R"({"rope_scaling": {"factor": 3}, "rope_parameters": {"factor": 3}})", "found both"},
      {R"({"model_type": "upper"})", "model_type: expected another key"},
  };
  for (const auto& [overrides, sentence] : table) {
    EXPECT_THAT(refusal(config, overrides), HasSubstr(sentence)) << overrides;
  }
  EXPECT_EQ(resolve(config, R"({"rope_scaling": {"factor": 3}})").rope.at(0).factor, 3.0);
}

TEST(OverridesTest, ValuesThatEqualTheDefaultAreTaken) {
  const json config = with(base("plain"), {{"max_position_embeddings", 64}});
  const ModelConfig found = resolve(config, R"({"rope_scaling": {"rope_type": "yarn", "factor": 4.0,
      "original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1}})");
  EXPECT_EQ(found.rope.at(0).factor, 4.0);
  EXPECT_EQ(found.rope.at(0).original_max_position_embeddings, 64);
  EXPECT_EQ(refusal(config, R"({"tie_word_embeddings": false, "hidden_act": "silu"})"),
            refusal(config, R"({"tie_word_embeddings": false})"));
}

TEST(OverridesTest, ValuesThatChangeNothingAreRefused) {
  const json off = with(base("upper"), {{"sliding_window", 6}});
  EXPECT_THAT(
      refusal(off, R"({"sliding_window": 9})"),
      HasSubstr("sliding_window: expected a value that changes the model, found 9, which has "
                "no effect: no layer has a window"));
  EXPECT_EQ(refusal(off, R"({"rms_norm_eps": 1e-6})"),
            "nothing was refused");  // it is that already
  const json yarn = {{"rope_type", "yarn"}, {"factor", 2.0}, {"attention_factor", 1.5}};
  EXPECT_THAT(refusal(with(base("plain"),
                           {{"rope_scaling", yarn}, {"original_max_position_embeddings", 16}}),
                      R"({"rope_parameters": {"original_max_position_embeddings": 32}})"),
              HasSubstr("rope_parameters.original_max_position_embeddings: expected a key"));
}

// Files that transformers 5 writes for models whose layers are all of one type.
TEST(ConfigTest, KeysBesideTheLayerTypesMeanNothing) {
  const json mixed = {{"full_attention", {{"rope_type", "linear"}, {"factor", 2.0}}},
                      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 3e3}}},
                      {"rope_theta", nullptr},
                      {"rope_type", "default"}};
  const ModelConfig config = resolve(with(base("two_ropes_text"), {{"rope_parameters", mixed}}));
  EXPECT_EQ(config.rope.at(0).factor, 2.0);
  EXPECT_EQ(config.rope.at(1).rope_theta, 3e3);
  EXPECT_THAT(refusal(with(base("two_ropes_text"),
                           {{"rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}}}})),
              HasSubstr("rope_parameters: expected the keys full_attention and sliding_attention, "
                        "found factor"));
}

// What transformers reads from the outer object, and only there.
TEST(ConfigTest, YarnPerLayerTypeTruncatesAlways) {
  json yarn = {{"rope_type", "yarn"},
               {"factor", 4.0},
               {"truncate", false},
               {"original_max_position_embeddings", 64}};
  json rope = {{"full_attention", yarn}, {"sliding_attention", json::object()}};
  const json config = with(base("two_ropes_text"), {{"original_max_position_embeddings", 7}});
  const ModelConfig inner = resolve(with(config, {{"rope_parameters", rope}}));
  EXPECT_TRUE(inner.rope.at(0).truncate);
  EXPECT_EQ(inner.rope.at(0).original_max_position_embeddings, 64);
  rope["truncate"] = false;
  EXPECT_FALSE(resolve(with(config, {{"rope_parameters", rope}})).rope.at(0).truncate);
}

}  // namespace
}  // namespace qk
