// What is refused: wrong values, quantised checkpoints, adapters, files that are missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_configs.h"

namespace qk {
namespace {

using testing::HasSubstr;

struct Refusal {
  json changes;
  std::string sentence;
};

TEST(ConfigErrors, WrongValuesAreRefusedWithASentence) {
  const std::vector<Refusal> table = {
      {{{"model_type", "made_up"}},
       "model_type: made_up is not supported. Supported: Plain, Upper, Two Ropes, No Rope. See "
       "docs/adding-a-model.md"},
      {{{"model_type", ""}}, "model_type: expected the name of a model, found \"\""},
      {{{"model_type", nullptr}}, "model_type: expected a string, found null"},
      {{{"model_type", "two_ropes"}}, "text_config: expected an object, found nothing"},
      {{{"hidden_size", true}}, "hidden_size: expected an integer from 1 to 4194304, found true"},
      {{{"hidden_size", "32"}}, "hidden_size: expected an integer from 1 to 4194304, found \"32\""},
      {{{"hidden_size", 0}}, "hidden_size: expected an integer from 1"},
      {{{"num_hidden_layers", 1000000000}},
       "num_hidden_layers: expected an integer from 1 to 4096"},
      {{{"num_hidden_layers", -1}}, "num_hidden_layers: expected an integer from 1 to 4096"},
      {{{"vocab_size", 1000000000000}}, "vocab_size: expected an integer from 1 to"},
      {{{"vocab_size", 1e300}}, "vocab_size: expected an integer from 1 to"},
      {{{"num_attention_heads", 0}}, "num_attention_heads: expected an integer from 1 to 16384"},
      {{{"num_key_value_heads", 3}},
       "num_key_value_heads: expected a divisor of num_attention_heads (4), found 3"},
      {{{"head_dim", 7}}, "head_dim 7 gives 7 rotary components, expected an even number"},
      {{{"rms_norm_eps", 0}}, "rms_norm_eps: expected a number above 0, found 0"},
      {{{"rms_norm_eps", "1e-5"}}, "rms_norm_eps: expected a number above 0, found \"1e-5\""},
      {{{"hidden_act", "relu2"}}, "hidden_act: expected one of silu, swish"},
      {{{"attention_bias", "yes"}}, "attention_bias: expected true or false, found \"yes\""},
      {{{"rope_theta", -1}}, "rope_parameters.rope_theta: expected a number above 0, found -1"},
      {{{"rope_scaling", 3}}, "rope_scaling: expected an object, found 3"},
      {{{"rope_scaling", {{"rope_type", "su"}}}},
       "rope_parameters.rope_type: expected one of default, linear, dynamic, llama3, yarn, "
       "longrope, found \"su\""},
      {{{"rope_scaling", {{"rope_type", "linear"}}}},
       "rope_parameters.factor: expected a number above 0, found nothing"},
      {{{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 0}}}},
       "rope_parameters.factor: expected a number above 0, found 0"},
      {{{"rope_scaling", {{"rope_type", "longrope"}, {"short_factor", {1.0}}}}},
       "rope_parameters.short_factor: expected a list of 4 numbers above 0, found a list of 1"},
      {{{"rope_parameters", {{"full_attention", json::object()}}}},
       "rope_parameters: expected one set of parameters, found one per layer type"},
      {{{"quantization_config", {{"quant_method", "fp8"}}}},
       "quantization_config: expected a checkpoint in F32, F16 or BF16 (or a GGUF file), found one "
       "quantised with fp8"},
      {{{"model_type", "upper"}, {"layer_types", {"full_attention"}}},
       "layer_types: expected an entry for each of 5 layers, found 1"},
      {{{"model_type", "upper"},
        {"use_sliding_window", true},
        {"max_window_layers", 0},
        {"sliding_window", 0}},
       "sliding_window: expected an integer from 1 to"},
      {{{"model_type", "upper"}, {"layer_types", {"chunked_attention", "", "", "", ""}}},
       "layer_types[0]: expected full_attention or sliding_attention, found chunked_attention"},
      {{{"model_type", "no_rope"}, {"no_rope_layers", {0, 1, 1, 0, true}}},
       "no_rope_layers[4]: expected an integer, found true"},
  };
  for (const Refusal& item : table) {
    const std::string found = refusal(with(base("plain"), item.changes));
    EXPECT_THAT(found, HasSubstr(item.sentence)) << item.changes.dump();
    EXPECT_THAT(found, HasSubstr("config.json"));
  }
}

TEST(ConfigErrors, QuantisedCheckpointsAreRefusedByTheirMethod) {
  for (const char* method : {"fp8", "gptq", "awq", "mxfp4", "bitsandbytes", "compressed-tensors"}) {
    const json quantised = {{"quantization_config", {{"quant_method", method}, {"bits", 4}}}};
    EXPECT_THAT(
        refusal(with(base("plain"), quantised)),
        testing::EndsWith(fmt::format(
            "config.json: quantization_config: expected a checkpoint in F32, F16 or BF16 (or "
            "a GGUF file), found one quantised with {}",
            method)));
    const json nested = {{"model_type", "two_ropes"}, {"text_config", quantised}};
    EXPECT_THAT(refusal(nested), HasSubstr(fmt::format("quantised with {}", method)));
  }
  EXPECT_EQ(resolve(with(base("plain"), {{"quantization_config", nullptr}})).vocab_size, 97);
}

TEST(ConfigErrors, AdaptersAloneAreRefused) {
  const TestFolder folder;
  write_file(folder.path() / "adapter_config.json",
             R"({"base_model_name_or_path": "org/base", "peft_type": "LORA"})");
  write_file(folder.path() / "adapter_model.safetensors", "x");
  const auto refuse = [&]() -> std::string {
    try {
      read_model_config(folder.path(), "", kRegistry);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_EQ(refuse(), (folder.path() / "adapter_config.json").string() +
                          ": expected a whole checkpoint, found only an adapter of org/base; merge "
                          "the two first");
  write_file(folder.path() / "config.json", base("plain").dump());
  EXPECT_THAT(refuse(), HasSubstr("found only an adapter of org/base"));
  write_file(folder.path() / "model.safetensors",
             "x");  // a merged one that kept the adapter's file
  EXPECT_EQ(refuse(), "nothing was refused");
  std::filesystem::remove(folder.path() / "adapter_config.json");
  std::filesystem::create_symlink("adapter_config.json", folder.path() / "adapter_config.json");
  EXPECT_EQ(refuse(), "nothing was refused");
}

TEST(ConfigErrors, MissingFilesAreRefused) {
  const TestFolder folder;
  const auto refuse = [&](const std::filesystem::path& path) -> std::string {
    try {
      read_model_config(path, "", kRegistry);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_THAT(refuse(folder.path()), HasSubstr("config.json: expected a model folder"));
  EXPECT_THAT(refuse(folder.path() / "none"), HasSubstr("found nothing"));
  write_file(folder.path() / "weights.bin", "x");
  EXPECT_THAT(refuse(folder.path() / "weights.bin"), HasSubstr("found another file"));
  write_file(folder.path() / "config.json", "[]");
  EXPECT_THAT(refuse(folder.path()), HasSubstr("expected an object, found a list of 0"));
  write_file(folder.path() / "config.json", "{\"model_type\": ");
  EXPECT_THAT(refuse(folder.path()), HasSubstr("config.json"));
}

}  // namespace
}  // namespace qk
