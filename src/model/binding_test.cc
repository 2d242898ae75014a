#include "model/binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_checkpoint.h"

namespace qk {
namespace binding_test {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kTypes[] = {"llama"};
constexpr Architecture kPlain = {.name = "plain", .title = "Plain", .model_types = kTypes};
constexpr Architecture kFused = {.name = "fused",
                                 .model_types = kTypes,
                                 .block = {.sandwich_norms = true,
                                           .qk_norm = true,
                                           .mlp_bias = BiasRule::kNever,
                                           .fused_gate_up = true}};

FixtureCase plain() { return fixture_case("llama-plain"); }

Model load(const FixtureCase& item, const CheckpointOptions& options = {},
           const Architecture& architecture = kPlain) {
  const TestFolder folder;
  write_checkpoint(folder.path(), item, options);
  const Architecture* const registry[] = {&architecture};
  return load_model(folder.path(), "", registry);
}

std::string refusal(const FixtureCase& item, const Architecture& architecture = kPlain) {
  try {
    load(item, {}, architecture);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(BindingTest, MatricesStayMappedAndNormsAreWidened) {
  const Model model = load(plain());
  const LayerWeights& layer = model.layers.at(4);
  EXPECT_EQ(layer.q_proj.dtype, DType::kF16);
  EXPECT_EQ(layer.q_proj.rows, 32);
  EXPECT_EQ(layer.k_proj.rows, 16);
  EXPECT_EQ(layer.q_proj.stride_bytes, 64);
  EXPECT_EQ(layer.input_norm,
            test_weights("model.layers.4.input_layernorm.weight", 32, /*centred=*/false));
  EXPECT_TRUE(layer.q_bias.empty());
  EXPECT_TRUE(model.ignored_tensors.empty());
  const auto bytes = model.files.at(0)->bytes();
  EXPECT_TRUE(layer.q_proj.data >= bytes.data() && layer.q_proj.data < bytes.data() + bytes.size());
  EXPECT_GT(model.weight_bytes, 2 * 5 * 7680);
  EXPECT_LE(model.weight_bytes, std::ssize(bytes));
}

TEST(BindingTest, PrefixesOfEveryOrigin) {
  for (const char* prefix :
       {"model.", "", "language_model.model.", "model.language_model.", "language_model."}) {
    FixtureCase item = plain();
    item.tensors["vision_tower.embed_tokens.weight"] = {3};
    item.tensors["vision_model.blocks.0.weight"] = {2, 2};
    item.tensors["multi_modal_projector.linear.weight"] = {2};
    const Model model = load(item, {.prefix = prefix});
    EXPECT_NE(model.layers.at(0).q_proj.data, nullptr) << prefix;
  }
}

TEST(BindingTest, LayersThatDoNotRunAreIgnored) {
  FixtureCase item = plain();
  item.config["num_hidden_layers"] = 3;
  const Model model = load(item);
  EXPECT_EQ(model.layers.size(), 3U);
  EXPECT_EQ(model.ignored_tensors.size(), 2U * 9);
  item.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {4};
  EXPECT_EQ(load(item).ignored_tensors.size(), 2U * 9 + 1);
}

TEST(BindingTest, LayersAfterTheLastOneNeededMayBeMissing) {
  FixtureCase item = plain();
  item.tensors.erase("model.layers.3.self_attn.k_proj.weight");
  item.tensors["model.layers.4.unknown.weight"] = {2};
  const TestFolder folder;
  write_checkpoint(folder.path(), item, {.num_shards = 3});
  const Architecture* const registry[] = {&kPlain};
  const auto load_to = [&](int last) {
    return load_model(folder.path(), "", registry,
                      [last](const ModelConfig&, const Architecture&) { return last; });
  };
  const Model model = load_to(2);
  EXPECT_NE(model.layers.at(2).q_proj.data, nullptr);
  EXPECT_EQ(model.layers.at(3).q_proj.data, nullptr);
  EXPECT_THROW(load_to(3), Error);
}

TEST(BindingTest, FaultsOfTheIndexCountOnlyWhereATensorIsNeeded) {
  const TestFolder folder;
  FixtureCase item = plain();
  item.tensors["score.weight"] = {2, 32};
  write_checkpoint(folder.path(), item, {.num_shards = 2});
  const std::filesystem::path index = folder.path() / "model.safetensors.index.json";
  auto map = json::parse(read_file(index));
  map["weight_map"].erase("score.weight");
  map["weight_map"]["mtp.fc.weight"] = "absent.safetensors";
  write_file(index, map.dump());
  const Architecture* const registry[] = {&kPlain};
  const Model model = load_model(folder.path(), "", registry);
  ASSERT_EQ(model.warnings.size(), 1U);
  EXPECT_THAT(model.warnings[0], HasSubstr("mtp.fc.weight is in absent.safetensors by the index"));
  EXPECT_THAT(model.warnings[0], HasSubstr("but the index does not list it"));
  map["weight_map"]["model.layers.1.input_layernorm.weight"] = "absent.safetensors";
  write_file(index, map.dump());
  try {
    load_model(folder.path(), "", registry);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("model.layers.1.input_layernorm.weight is in part-"));
  }
}

TEST(BindingTest, DifferencesAreListedAndCounted) {
  FixtureCase item = plain();
  item.tensors.erase("model.layers.1.self_attn.k_proj.weight");
  EXPECT_THAT(refusal(item),
              HasSubstr("model.layers.1.self_attn.k_proj.weight [16, 32] is missing"));
  item = plain();
  item.tensors["model.layers.1.self_attn.k_proj.weight"] = {32, 16};
  EXPECT_THAT(refusal(item),
              HasSubstr("k_proj.weight in model.safetensors is [32, 16], expected [16, 32]"));
  item = plain();
  item.tensors["model.layers.1.self_attn.k_proj.bias"] = {16};
  EXPECT_THAT(refusal(item), HasSubstr("k_proj.bias in model.safetensors is unexpected"));
  item = plain();
  item.config["attention_bias"] = true;
  EXPECT_THAT(refusal(item), HasSubstr("and 15 more differences"));
  item = plain();
  item.config["num_hidden_layers"] = 4096;
  EXPECT_THAT(refusal(item), HasSubstr("model.layers.5.input_layernorm.weight [32] is missing"));
  item = plain();
  item.config["vocab_size"] = 96;
  EXPECT_THAT(refusal(item), HasSubstr("is [97, 32], expected [96, 32]"));
}

TEST(BindingTest, TheEmbeddingIsFoundOnce) {
  FixtureCase item = plain();
  item.tensors.erase("model.embed_tokens.weight");
  EXPECT_THAT(refusal(item), HasSubstr("expected one tensor named ...embed_tokens.weight, found"));
  item = plain();
  item.tensors["other.embed_tokens.weight"] = {97, 32};  // of a drafting decoder
  item.tensors["model.layers.7.embed_tokens.weight"] = {97, 32};
  EXPECT_EQ(refusal(item), "nothing was refused");
  item.tensors["embed_tokens.weight"] = {97, 32};
  EXPECT_THAT(refusal(item),
              HasSubstr("expected one tensor named ...embed_tokens.weight, found 4"));
}

TEST(BindingTest, TheHeadOfATiedModelMayStandForTheEmbedding) {
  FixtureCase item = plain();
  item.tensors["lm_head.weight"] = item.tensors.at("model.embed_tokens.weight");
  item.tensors.erase("model.embed_tokens.weight");
  for (const char* prefix : {"model.", "", "model.language_model."}) {
    item.config["tie_word_embeddings"] = true;
    const Model model = load(item, {.prefix = prefix});
    EXPECT_EQ(model.embedding.rows, 97);
    EXPECT_TRUE(model.ignored_tensors.empty()) << prefix;
  }
  for (const json& untied : {json(false), json(nullptr), json("true")}) {
    item.config["tie_word_embeddings"] = untied;
    EXPECT_THAT(refusal(item), HasSubstr("expected one tensor named ...embed_tokens.weight"));
  }
  item.config.erase("tie_word_embeddings");
  EXPECT_THAT(refusal(item), HasSubstr("expected one tensor named ...embed_tokens.weight"));
  Architecture tied = kPlain;
  tied.defaults.tie_word_embeddings = true;
  EXPECT_EQ(refusal(item, tied), "nothing was refused");
  item.config["tie_word_embeddings"] = true;
  item.tensors["lm_head.weight"] = {95, 32};
  EXPECT_THAT(refusal(item),
              HasSubstr("model.embed_tokens.weight in model.safetensors is [95, 32]"));
}

TEST(BindingTest, KeysThatTransformersIgnoresAreNamed) {
  const auto warnings = [](const json& changes) {
    FixtureCase item = plain();
    item.config.update(changes);
    return load(item).warnings;
  };
  for (const json& changes :
       std::vector<json>{{{"sliding_window", 8}},
                         {{"use_bidirectional_attention", true}},
                         {{"attn_logit_softcapping", 50.0}},
                         {{"attention_chunk_size", 64}},
                         {{"layer_types", json::array({"full_attention", "sliding_attention"})}}}) {
    const std::vector<std::string> found = warnings(changes);
    ASSERT_EQ(found.size(), 1U) << changes;
    EXPECT_THAT(found[0],
                testing::EndsWith(fmt::format("config.json: {} has no effect in Plain, as "
                                              "in transformers",
                                              changes.begin().key())));
  }
  EXPECT_TRUE(warnings({{"sliding_window", nullptr},
                        {"use_bidirectional_attention", false},
                        {"attn_logit_softcapping", nullptr},
                        {"layer_types", json::array({"full_attention"})}})
                  .empty());
}

TEST(BindingTest, EmbeddingsOfOtherPartsAreNotTheDecoders) {
  const auto tensor = [](const char* name) {
    return StoredTensor{name, "F16", DType::kF16, {97, 32}, {}, "a.safetensors"};
  };
  const auto prefix_of = [](const std::vector<StoredTensor>& tensors) {
    return decoder_prefix(tensors, "a", "embed_tokens.weight");
  };
  for (const char* part : {"audio_tower.", "model.audio_tower.", "vision_tower.", "visual."}) {
    const std::string other = std::string(part) + "embed_tokens.weight";
    const StoredTensor decoders = tensor("model.language_model.embed_tokens.weight");
    EXPECT_EQ(prefix_of({tensor(other.c_str()), decoders}), "model.language_model.") << part;
    EXPECT_EQ(prefix_of({decoders, tensor(other.c_str())}), "model.language_model.") << part;
    EXPECT_THROW(prefix_of({tensor(other.c_str())}), Error) << part;
  }
}

TEST(BindingTest, TypesThatCannotBeComputedAreRefused) {
  StoredTensor tensor{"embed_tokens.weight", "F8_E4M3", std::nullopt, {97, 32}, {},
                      "a.safetensors"};
  Model model = load(plain());
  model.config.num_hidden_layers = 0;
  model.config.layers.clear();
  try {
    bind_weights({&tensor, 1}, /*is_gguf=*/false, "a", 0, model);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("embed_tokens.weight in a.safetensors is F8_E4M3, expected "
                                        "F32, F16 or BF16"));
  }
}

TEST(BindingTest, FusedGateAndUpAreTwoViews) {
  FixtureCase item = plain();
  TensorShapes tensors;
  for (const auto& [name, shape] : item.tensors) {
    if (name.find("gate_proj") == std::string::npos && name.find("up_proj") == std::string::npos) {
      tensors[name] = shape;
    }
  }
  for (int layer = 0; layer < 5; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    tensors[prefix + "mlp.gate_up_proj.weight"] = {96, 32};
    tensors[prefix + "self_attn.q_norm.weight"] = {8};
    tensors[prefix + "self_attn.k_norm.weight"] = {8};
    tensors[prefix + "after_attention.weight"] = {32};
    tensors[prefix + "after_mlp.weight"] = {32};
  }
  item.tensors = tensors;
  static constexpr TensorName kNames[] = {{Role::kPostAttentionNorm, "after_attention", ""},
                                          {Role::kPostMlpNorm, "after_mlp", ""}};
  Architecture architecture = kFused;
  architecture.names = kNames;
  const Model model = load(item, {}, architecture);
  const LayerWeights& layer = model.layers.at(0);
  EXPECT_EQ(layer.gate_proj.rows, 48);
  EXPECT_EQ(layer.up_proj.data, layer.gate_proj.data + 48 * layer.gate_proj.stride_bytes);
  EXPECT_EQ(layer.q_norm.size(), 8U);
  EXPECT_EQ(layer.post_mlp_norm.size(), 32U);
}

TEST(IgnoredTest, OnlyWhatTheRulesName) {
  ModelConfig config;
  config.num_hidden_layers = 2;
  config.layers.resize(2);
  config.layers[1].runs = false;
  const auto ask = [&](const char* name, const char* prefix, bool is_gguf, size_t axes = 1) {
    StoredTensor tensor;
    tensor.name = name;
    tensor.shape.resize(axes);
    return may_be_ignored(tensor, prefix, is_gguf, config, /*last_layer=*/1);
  };
  const auto ignored = [&](const char* name, const char* prefix = "model.") {
    return ask(name, prefix, /*is_gguf=*/false);
  };
  EXPECT_TRUE(ignored("model.layers.1.cross_attn.q_proj.weight"));
  EXPECT_TRUE(ignored("model.layers.2.mlp.experts.0.weight"));
  EXPECT_TRUE(ignored("language_model.lm_head.weight", "language_model.model."));
  EXPECT_TRUE(ignored("norm.weight", ""));
  EXPECT_TRUE(ignored("model.vision_tower.blocks.0.weight", "model.language_model."));
  EXPECT_FALSE(ignored("model.layers.0.mlp.extra.weight"));
  EXPECT_FALSE(ignored("model.layers.x.weight"));
  EXPECT_FALSE(ignored("model.layers.99999999999999999999.weight"));
  for (const char* head :
       {"score.weight", "v_head.summary.weight", "classifier.out_proj.bias", "mtp.fc.weight",
        "model.mtp.layers.0.mlp.up_proj.weight", "medusa.0.1.weight",
        "draft.layers.0.self_attn.q_proj.weight", "model.value_head.weight"}) {
    EXPECT_TRUE(ignored(head)) << head;
  }
  EXPECT_TRUE(ignored("score.weight", ""));
  EXPECT_TRUE(ignored("model.rotary_emb.inv_freq"));
  EXPECT_TRUE(ignored("model.layers.0.self_attn.rotary_emb.cos_cached"));
  EXPECT_TRUE(ignored("model.layers.0.self_attn.rotary_emb.sin"));
  EXPECT_TRUE(ignored("model.layers.0.self_attn.masked_bias"));
  EXPECT_TRUE(ignored("model.layers.0.self_attn.causal_mask"));
  EXPECT_TRUE(ignored("model.position_ids"));
  EXPECT_TRUE(ask("model.layers.0.self_attn.bias", "model.", /*is_gguf=*/false, /*axes=*/4));
  EXPECT_FALSE(ask("model.layers.0.self_attn.bias", "model.", /*is_gguf=*/false, /*axes=*/1));
  for (const char* change :
       {"model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.q_proj.weight_scale", "model.embed_positions.weight",
        "model.embed_tokens.weight_scale", "base.layers.0.self_attn.q_proj.lora_A.weight"}) {
    EXPECT_FALSE(ignored(change)) << change;
  }
  EXPECT_TRUE(ask("output_norm.weight", "", /*is_gguf=*/true));
  EXPECT_TRUE(ask("blk.7.attn_q.weight", "", /*is_gguf=*/true));
  EXPECT_FALSE(ask("blk.0.ffn_gate_inp.weight", "", /*is_gguf=*/true));
  for (const char* name : {"output.bias", "v.blk.0.attn_q.weight", "mm.0.weight", "a.conv1d.weight",
                           "cls.output.weight", "dense_2.weight"}) {
    EXPECT_TRUE(ask(name, "", /*is_gguf=*/true)) << name;
  }
  EXPECT_FALSE(ask("position_embd.weight", "", /*is_gguf=*/true));
}

}  // namespace binding_test
}  // namespace qk
