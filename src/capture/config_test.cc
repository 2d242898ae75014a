#include "capture/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace qk {
namespace config_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::filesystem::path write_yaml(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) /
      fmt::format("config_test-{}.yaml", ::getpid());  // tests run side by side
  std::ofstream(path) << text;
  return path;
}

SniffConfig load(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return load_config(write_yaml(text), overrides);
}

constexpr const char* kMinimal = R"(dataset: {path: corpus}
model: {name: checkpoint}
tokenizer: {}
inference: {}
capture: {}
output: {}
)";

TEST(Config, EveryDefault) {
  const SniffConfig config = load(kMinimal);
  EXPECT_EQ(config.dataset.path, "corpus");
  EXPECT_FALSE(config.dataset.name);
  EXPECT_EQ(config.dataset.split, "train");
  EXPECT_EQ(config.dataset.text_column, "text");
  EXPECT_FALSE(config.dataset.id_column);
  EXPECT_FALSE(config.dataset.max_samples);
  EXPECT_EQ(config.model.name, "checkpoint");
  EXPECT_FALSE(config.model.revision);
  EXPECT_EQ(config.model.dtype, "float16");
  EXPECT_FALSE(config.model.device_map.value);
  EXPECT_EQ(config.model.device_map_fault, "");
  EXPECT_FALSE(config.model.trust_remote_code);
  EXPECT_FALSE(config.model.attn_implementation.value);
  EXPECT_EQ(config.model.config_overrides, "");
  EXPECT_FALSE(config.tokenizer.name);
  EXPECT_EQ(config.tokenizer.max_length, 4096);
  EXPECT_EQ(config.tokenizer.padding, "longest");
  EXPECT_FALSE(config.tokenizer.trust_remote_code);
  EXPECT_EQ(config.inference.batch_size, 1);
  EXPECT_FALSE(config.inference.autocast_dtype.value);
  EXPECT_FALSE(config.inference.debug_logging);
  EXPECT_EQ(config.inference.debug_log_every_n_batches, 1);
  EXPECT_TRUE(config.capture.capture_queries);
  EXPECT_TRUE(config.capture.capture_keys);
  EXPECT_THAT(config.capture.layers, IsEmpty());
  EXPECT_THAT(config.capture.heads, IsEmpty());
  EXPECT_FALSE(config.capture.head_sampling);
  EXPECT_FALSE(config.capture.full_attention_only);
  EXPECT_EQ(config.capture.sampler, SamplerType::kLogUniform);
  EXPECT_EQ(config.capture.base_rate, 1.0);
  EXPECT_FALSE(config.capture.max_rows_per_batch);
  EXPECT_EQ(config.capture.min_bucket_size, 128);
  EXPECT_EQ(config.capture.rope, CaptureRope::kPost);
  EXPECT_FALSE(config.capture.capture_token_strings);
  EXPECT_EQ(config.output.data_root, "data");
  EXPECT_FALSE(config.output.hf_repo_id);
  EXPECT_FALSE(config.output.hf_branch);
  EXPECT_FALSE(config.output.is_private);
  EXPECT_FALSE(config.output.hf_replace);
  EXPECT_FALSE(config.compat_reference);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, EveryField) {
  const SniffConfig config = load(R"(
dataset: {path: a/b, name: sub, split: test, text_column: body, id_column: id, max_samples: 7,
          streaming: yes}
model:
  name: org/model
  revision: main
  dtype: BF16
  device_map: {"": 0}
  trust_remote_code: off
  attn_implementation: sdpa
  config_overrides:
    rope_scaling: {rope_type: yarn, factor: 4.0, original_max_position_embeddings: 32768}
tokenizer: {name: org/tok, max_length: 131_072, padding: true, trust_remote_code: false,
            padding_side: right}
inference: {batch_size: 0x10, autocast_dtype: fp32, debug_logging: True,
            debug_log_every_n_batches: 0, mps_cleanup_every_batches: -1}
capture:
  capture_queries: false
  capture_keys: true
  layers: [3, 1, 3]
  heads: [0]
  head_sampling: {count: 300, seed: -4}
  full_attention_only: true
  sampler: {type: UNIFORM, base_rate: 2}
  max_rows_per_batch: 50
  min_bucket_size: 010
  capture_pre_rope: true
  capture_token_strings: true
output: {data_root: out, readme_path: README.md, hf_repo_id: org/data, hf_branch: b, private: true,
         hf_replace: false}
compat: reference
)");
  EXPECT_EQ(config.dataset.name, "sub");
  EXPECT_EQ(config.dataset.split, "test");
  EXPECT_EQ(config.dataset.text_column, "body");
  EXPECT_EQ(config.dataset.id_column, "id");
  EXPECT_EQ(config.dataset.max_samples, 7);
  EXPECT_EQ(config.model.revision, "main");
  EXPECT_EQ(config.model.dtype, "BF16");
  EXPECT_NE(config.model.device_map_fault, "");
  EXPECT_EQ(config.model.attn_implementation.value, "sdpa");
  EXPECT_EQ(config.inference.autocast_dtype.value, "fp32");
  EXPECT_EQ(config.model.config_overrides, R"({"rope_scaling":{"rope_type":"yarn","factor":4.0,)"
                                           R"("original_max_position_embeddings":32768}})");
  EXPECT_EQ(config.tokenizer.name, "org/tok");
  EXPECT_EQ(config.tokenizer.max_length, 131072);
  EXPECT_EQ(config.inference.batch_size, 16);
  EXPECT_TRUE(config.inference.debug_logging);
  EXPECT_EQ(config.inference.debug_log_every_n_batches, 1);
  EXPECT_FALSE(config.capture.capture_queries);
  EXPECT_THAT(config.capture.layers, ElementsAre(1, 3));
  EXPECT_THAT(config.capture.heads, ElementsAre(0));
  EXPECT_EQ(config.capture.head_sampling->count, 300);
  EXPECT_EQ(config.capture.head_sampling->seed, -4);
  EXPECT_TRUE(config.capture.full_attention_only);
  EXPECT_EQ(config.capture.sampler, SamplerType::kUniform);
  EXPECT_EQ(config.capture.base_rate, 2.0);
  EXPECT_EQ(config.capture.max_rows_per_batch, 50);
  EXPECT_EQ(config.capture.min_bucket_size, 8);  // octal, as in YAML 1.1
  EXPECT_EQ(config.capture.rope, CaptureRope::kPre);
  EXPECT_TRUE(config.capture.capture_token_strings);
  EXPECT_EQ(config.output.hf_repo_id, "org/data");
  EXPECT_EQ(config.output.hf_branch, "b");
  EXPECT_TRUE(config.output.is_private);
  EXPECT_EQ(config.output.hf_replace, false);
  EXPECT_TRUE(config.compat_reference);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, WhatTheOriginalIgnoresIsAWarning) {
  const SniffConfig config = load(R"(dataset: {path: c}
model: {name: m, trust_remote_code: true}
tokenizer: {}
inference:
  batchsize: 2
  distributed: {backend: nccl}
capture: {}
output: {readme_path: docs/x.md, write_batch_size: 10}
models: {}
)");
  ASSERT_EQ(config.warnings.size(), 6U);
  EXPECT_THAT(config.warnings[0], HasSubstr(".yaml:2: model.trust_remote_code: has no effect"));
  EXPECT_THAT(config.warnings[1], HasSubstr(".yaml:5: inference.batchsize: unknown key; did you "
                                            "mean inference.batch_size? (ignored"));
  EXPECT_THAT(config.warnings[2], HasSubstr(".yaml:6: inference.distributed: unknown key"));
  EXPECT_THAT(config.warnings[3], HasSubstr(".yaml:8: output.readme_path: has no effect"));
  EXPECT_THAT(config.warnings[4], HasSubstr(".yaml:8: output.write_batch_size: has no effect"));
  EXPECT_THAT(config.warnings[5], HasSubstr(".yaml:9: models: unknown key; did you mean model?"));
}

TEST(Config, WarningsBeforeAnErrorAreKept) {
  const std::string file =
      write_yaml("model: {name: m}\ntokenizer: {trust_remote_code: true}\ndatset: {path: c}\n");
  const auto warnings = [&](const std::vector<std::string>& overrides) {
    std::vector<std::string> found;
    EXPECT_THROW(load_config(file, overrides, &found), Error);
    return found;
  };
  const std::string unknown = file +
                              ":3: datset: unknown key; did you mean dataset? (ignored, as the "
                              "original does)";
  EXPECT_THAT(warnings({}), ElementsAre(unknown));
  const auto both = ElementsAre(HasSubstr("trust_remote_code"), unknown);
  EXPECT_THAT(warnings({"dataset.path=c", "capture.layers=x"}), both);
  EXPECT_THAT(warnings({"dataset.path=c", "nothing.at=1"}), both);
}

TEST(Config, MaxRowsOfZeroIsNoCap) {
  EXPECT_FALSE(load(kMinimal, {"capture.max_rows_per_batch=0"}).capture.max_rows_per_batch);
  EXPECT_FALSE(load(kMinimal, {"capture.max_rows_per_batch=-3"}).capture.max_rows_per_batch);
}

TEST(Config, SamplerByItsNameAlone) {
  const SniffConfig config = load(kMinimal, {"capture.sampler=all"});
  EXPECT_EQ(config.capture.sampler, SamplerType::kAll);
  EXPECT_EQ(config.capture.base_rate, 1.0);
}

TEST(Config, RopeOfBothOverAnExplicitFalse) {
  const SniffConfig config =
      load(kMinimal, {"capture.capture_pre_rope=false", "capture.rope=both"});
  EXPECT_EQ(config.capture.rope, CaptureRope::kBoth);
}

TEST(Config, OverridesReplaceAndAdd) {
  const SniffConfig config = load(
      "dataset: {path: c, split: old}\nmodel: {name: m}\ntokenizer: {}\ninference: null\n"
      "capture: {sampler: null}\noutput: {}\n",
      {"dataset.split=new", "inference.batch_size=4", "capture.sampler.base_rate=0.5",
       "model.config_overrides.rope_scaling.factor=2", "output.data_root=a=b", "compat=reference",
       "capture.layers=[2, 0]"});
  EXPECT_EQ(config.dataset.split, "new");
  EXPECT_EQ(config.inference.batch_size, 4);
  EXPECT_EQ(config.capture.base_rate, 0.5);
  EXPECT_EQ(config.model.config_overrides, R"({"rope_scaling":{"factor":2}})");
  EXPECT_EQ(config.output.data_root, "a=b");
  EXPECT_TRUE(config.compat_reference);
  EXPECT_THAT(config.capture.layers, ElementsAre(0, 2));
}

TEST(Config, SectionsThatAreAbsentOrNullAreEmpty) {
  const SniffConfig config =
      load("dataset: {path: c}\nmodel: {name: m}\ninference:\ncapture: null\n");
  EXPECT_EQ(config.tokenizer.max_length, 4096);
  EXPECT_EQ(config.inference.batch_size, 1);
  EXPECT_EQ(config.output.data_root, "data");
  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(load("", {"dataset.path=c", "model.name=m"}).model.name, "m");
}

TEST(Config, ARateThatHasNoEffectIsAWarning) {
  const SniffConfig config =
      load("dataset: {path: c}\nmodel: {name: m}\ncapture: {sampler: {type: all, base_rate: 2}}\n");
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr(
                                   ".yaml:3: capture.sampler.base_rate: has no effect: the sampler "
                                   "all takes every position")));
}

TEST(Config, AnchorsAndMergeKeys) {
  const SniffConfig config = load(R"(
defaults: &tok {max_length: 99, padding: longest}
dataset: {path: c}
model: {name: &m org/model}
tokenizer: {<<: *tok, name: *m, max_length: 7}
inference: {}
capture: {}
output: {}
)");
  EXPECT_EQ(config.tokenizer.name, "org/model");
  EXPECT_EQ(config.tokenizer.max_length, 7);
}

TEST(Config, JsonDoesNotDependOnHowTheRunIsMade) {
  const std::string text = config_json(load(kMinimal));
  EXPECT_EQ(text, config_json(load(kMinimal, {"inference.batch_size=3", "output.data_root=x"})));
  EXPECT_NE(text, config_json(load(kMinimal, {"capture.min_bucket_size=64"})));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["capture"]["sampler"]["type"], "log_uniform");
  EXPECT_EQ(json["capture"]["rope"], "post");
  EXPECT_TRUE(json["compat"].is_null());
}

// The files of tests/data/capture/configs have the shape of those that the original tool was run
// with.
TEST(Config, ProductionFilesLoadWithoutAWarning) {
  int num_files = 0;
  const auto folder = std::filesystem::path(QK_TEST_DATA) / "capture" / "configs";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const SniffConfig config = load_config(entry.path());
    EXPECT_THAT(config.warnings, IsEmpty()) << entry.path();
    EXPECT_EQ(config.capture.head_sampling->count, 300);
    EXPECT_TRUE(config.capture.full_attention_only);
    EXPECT_EQ(config.capture.sampler, SamplerType::kUniform);
    EXPECT_EQ(config.tokenizer.padding, "longest");
    ++num_files;
  }
  EXPECT_GE(num_files, 3);
}

}  // namespace config_test
}  // namespace qk
