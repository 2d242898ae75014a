// Every value that a configuration may not have, with the sentence that the user sees.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "capture/config.h"

namespace qk {
namespace {

struct BadCase {
  std::string name;
  std::string section;   // which line of the good file is replaced
  std::string text;      // what stands there instead
  std::string sentence;  // "F" stands for the file's name
};

// A good file, one section a line; the replaced one is lines `line` and following.
std::string file_with(const BadCase& bad) {
  std::string out;
  for (const auto& [section, text] :
       std::vector<std::pair<std::string, std::string>>{{"dataset", "dataset: {path: c}"},
                                                        {"model", "model: {name: m}"},
                                                        {"tokenizer", "tokenizer: {}"},
                                                        {"inference", "inference: {}"},
                                                        {"capture", "capture: {}"},
                                                        {"output", "output: {}"}}) {
    out += (section == bad.section ? bad.text : text) + "\n";
  }
  return bad.section.empty() ? out + bad.text : out;
}

std::string sentence_of(const std::filesystem::path& path,
                        const std::vector<std::string>& overrides = {}) {
  try {
    load_config(path, overrides);
  } catch (const Error& error) {
    std::string_view rest = error.what();
    std::string text;
    int times_named = 0;
    for (size_t at; (at = rest.find(path.string())) != std::string_view::npos; ++times_named) {
      text += std::string(rest.substr(0, at)) + "F";
      rest.remove_prefix(at + path.string().size());
    }
    text += rest;
    EXPECT_TRUE(times_named > 0 || !overrides.empty()) << text;
    return text;
  }
  return "no error";
}

std::filesystem::path write_yaml(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) /
      fmt::format("config_errors_test-{}.yaml", ::getpid());  // tests run side by side
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

class ConfigErrors : public testing::TestWithParam<BadCase> {};

TEST_P(ConfigErrors, SaysWhatIsWrong) {
  EXPECT_EQ(sentence_of(write_yaml(file_with(GetParam()))), GetParam().sentence);
}

// clang-format off
const std::vector<BadCase> kBadCases = {
    {"NotYaml", "", "a: [1\n", "F:8: is not YAML: end of sequence flow not found"},
    {"Tab", "capture", "capture:\n\tlayers: null", "F:6: is not YAML: illegal map value (the line is indented by a tab)"},
    {"TwoDocuments", "", "---\na: 1\n", "F: holds 2 documents, expected one"},
    {"SectionList", "capture", "capture: [1]", "F:5: capture: expected a mapping, found a list"},
    {"SectionText", "model", "model: gpt", R"(F:2: model: expected a mapping, found text "gpt")"},
    {"SectionTwice", "output", "output: {}\nmodel: {}", R"(F:7: key "model" occurs twice, first at F:2)"},
    {"KeyTwice", "capture", "capture:\n  heads: null\n  heads: [1]", R"(F:7: key "heads" occurs twice, first at F:6)"},
    {"UnknownDataset", "dataset", "dataset: {path: c, max_sample: 1}", "F:1: dataset.max_sample: unknown key; did you mean dataset.max_samples?"},
    {"UnknownModel", "model", "model:\n  name: m\n  dtyp: float32", "F:4: model.dtyp: unknown key; did you mean model.dtype?"},
    {"UnknownTokenizer", "tokenizer", "tokenizer: {maxlength: 5}", "F:3: tokenizer.maxlength: unknown key; did you mean tokenizer.max_length?"},
    {"UnknownCapture", "capture", "capture: {layer: [0]}", "F:5: capture.layer: unknown key; did you mean capture.layers?"},
    {"UnknownSampler", "capture", "capture: {sampler: {kind: all}}", "F:5: capture.sampler.kind: unknown key (known: base_rate, positions, type)"},
    {"UnknownHeadSampling", "capture", "capture: {head_sampling: {count: 1, sed: 0}}", "F:5: capture.head_sampling.sed: unknown key; did you mean capture.head_sampling.seed?"},
    {"UnknownOutput", "output", "output: {root: x}", "F:6: output.root: unknown key (known: data_root, hf_branch, hf_replace, hf_repo_id, private, readme_path, write_batch_size)"},
    {"PathMissing", "dataset", "dataset: {split: test}", "F:1: dataset.path: is required"},
    {"PathEmpty", "dataset", "dataset: {path: ''}", "F:1: dataset.path: must not be empty"},
    {"PathNumber", "dataset", "dataset: {path: 12}", "F:1: dataset.path: expected text (put it in quotes), found integer 12"},
    {"SplitBoolean", "dataset", "dataset: {path: c, split: no}", "F:1: dataset.split: expected text (put it in quotes), found boolean no"},
    {"SplitNull", "dataset", "dataset: {path: c, split: null}", "F:1: dataset.split: expected text, found null"},
    {"TextColumnList", "dataset", "dataset: {path: c, text_column: [a]}", "F:1: dataset.text_column: expected text, found a list"},
    {"SamplesZero", "dataset", "dataset: {path: c, max_samples: 0}", "F:1: dataset.max_samples: 0 documents: the run would capture nothing"},
    {"SamplesNegative", "dataset", "dataset: {path: c, max_samples: -1}", "F:1: dataset.max_samples: expected an integer of at least 0, found integer -1"},
    {"SamplesFloat", "dataset", "dataset: {path: c, max_samples: 8.0}", "F:1: dataset.max_samples: expected an integer of at least 0, found number 8.0"},
    {"StreamingText", "dataset", "dataset: {path: c, streaming: maybe}", R"(F:1: dataset.streaming: expected true or false, found text "maybe")"},
    {"NameMissing", "model", "model: {}", "F:2: model.name: is required"},
    {"Dtype", "model", "model: {name: m, dtype: float61}", R"(F:2: model.dtype: expected float16, bfloat16, float32, fp16, bf16 or fp32, found "float61"; did you mean float16?)"},
    {"Overrides", "model", "model: {name: m, config_overrides: [1]}", "F:2: model.config_overrides: expected a mapping, found a list"},
    {"RevisionNumber", "model", "model: {name: m, revision: 0}", "F:2: model.revision: expected text (put it in quotes), found integer 0"},
    {"RevisionDate", "model", "model: {name: m, revision: 2024-01-31}", "F:2: model.revision: expected text (put it in quotes), found date 2024-01-31"},
    {"RemoteCode", "model", "model: {name: m, trust_remote_code: 1}", "F:2: model.trust_remote_code: expected true or false, found integer 1"},
    {"LengthZero", "tokenizer", "tokenizer: {max_length: 0}", "F:3: tokenizer.max_length: expected an integer of at least 1, found integer 0"},
    {"LengthTooLarge", "tokenizer", "tokenizer: {max_length: 3000000000}", "F:3: tokenizer.max_length: expected an integer of at most 2147483647, found integer 3000000000"},
    {"UnknownTag", "capture", "capture: {sampler: {base_rate: !rate 4}}", "F:5: unknown tag !rate"},
    {"PythonTag", "capture", "capture: {sampler: {base_rate: !!python/int:x 4}}", "F:5: unknown tag !!python/int:x"},
    {"LengthText", "tokenizer", "tokenizer: {max_length: 4k}", R"(F:3: tokenizer.max_length: expected an integer of at least 1, found text "4k")"},
    {"LengthNull", "tokenizer", "tokenizer: {max_length: null}", "F:3: tokenizer.max_length: expected an integer of at least 1, found null"},
    {"Padding", "tokenizer", "tokenizer: {padding: longst}", R"(F:3: tokenizer.padding: expected longest, max_length or do_not_pad, found "longst"; did you mean longest?)"},
    {"PaddingLeft", "tokenizer", "tokenizer: {padding_side: left}", "F:3: tokenizer.padding_side: expected right, found left, with which positions would be wrong"},
    {"PaddingSide", "tokenizer", "tokenizer: {padding_side: up}", R"(F:3: tokenizer.padding_side: expected right, found text "up")"},
    {"BatchZero", "inference", "inference: {batch_size: 0}", "F:4: inference.batch_size: expected an integer of at least 1, found integer 0"},
    {"Autocast", "inference", "inference: {autocast_dtype: int8}", R"(F:4: inference.autocast_dtype: expected float16, bfloat16, float32, fp16, bf16 or fp32, found "int8")"},
    {"DebugText", "inference", "inference: {debug_logging: 'true'}", R"(F:4: inference.debug_logging: expected true or false, found text "true")"},
    {"NothingWanted", "capture", "capture:\n  capture_queries: false\n  capture_keys: false", "F:7: capture.capture_keys: is false and so is capture_queries: the run would capture nothing"},
    {"QueriesNull", "capture", "capture: {capture_queries: null}", "F:5: capture.capture_queries: expected true or false, found null"},
    {"LayersInteger", "capture", "capture: {layers: 3}", "F:5: capture.layers: expected a list of integers, such as [0, 2], or null, found integer 3"},
    {"LayersText", "capture", "capture:\n  layers:\n    - 1\n    - two", R"(F:8: capture.layers: expected a list of integers, found text "two" in it)"},
    {"HeadSamplingList", "capture", "capture: {head_sampling: [300]}", "F:5: capture.head_sampling: expected a mapping with count and seed, or null, found a list"},
    {"CountMissing", "capture", "capture: {head_sampling: {seed: 1}}", "F:5: capture.head_sampling.count: is required"},
    {"CountZero", "capture", "capture: {head_sampling: {count: 0}}", "F:5: capture.head_sampling.count: expected an integer of at least 1, found integer 0"},
    {"SeedText", "capture", "capture: {head_sampling: {count: 1, seed: x}}", R"(F:5: capture.head_sampling.seed: expected an integer, found text "x")"},
    {"SamplerType", "capture", "capture: {sampler: {type: loguniform}}", R"(F:5: capture.sampler.type: expected log_uniform, uniform or all, found "loguniform"; did you mean log_uniform?)"},
    {"SamplerList", "capture", "capture: {sampler: []}", "F:5: capture.sampler: expected a mapping, found a list"},
    {"PositionsUnknown", "capture", "capture: {sampler: {positions: share}}", R"(F:5: capture.sampler.positions: expected independent or shared, found "share"; did you mean shared?)"},
    {"PositionsReference", "capture", "capture: {sampler: {positions: shared}}\ncompat: reference", "F: capture.sampler.positions: shared does not go with compat: reference, which draws the rows of each layer independently as the original does"},
    {"RateZero", "capture", "capture: {sampler: {base_rate: 0}}", "F:5: capture.sampler.base_rate: expected a number above 0, found 0: the run would capture nothing"},
    {"RateNegative", "capture", "capture: {sampler: {base_rate: -1.5}}", "F:5: capture.sampler.base_rate: expected a number above 0, found -1.5: the run would capture nothing"},
    {"RateNan", "capture", "capture: {sampler: {base_rate: .nan}}", "F:5: capture.sampler.base_rate: expected a finite number, found number .nan"},
    {"RateText", "capture", "capture: {sampler: {base_rate: '1'}}", R"(F:5: capture.sampler.base_rate: expected a number, found text "1")"},
    {"BucketZero", "capture", "capture: {min_bucket_size: 0}", "F:5: capture.min_bucket_size: expected an integer from 1 to 1073741824, found integer 0"},
    {"BucketHuge", "capture", "capture: {min_bucket_size: 4294967296}", "F:5: capture.min_bucket_size: expected an integer of at most 1073741824, found integer 4294967296"},
    {"CapText", "capture", "capture: {max_rows_per_batch: many}", R"(F:5: capture.max_rows_per_batch: expected an integer, found text "many")"},
    {"Rope", "capture", "capture: {rope: after}", R"(F:5: capture.rope: expected post, pre or both, found "after")"},
    {"RopeContradicts", "capture", "capture:\n  capture_pre_rope: true\n  rope: post", "F:7: capture.rope: is post, but F:6 says capture.capture_pre_rope: true"},
    {"RopePreContradicts", "capture", "capture:\n  capture_pre_rope: false\n  rope: pre", "F:7: capture.rope: is pre, but F:6 says capture.capture_pre_rope: false"},
    {"RootEmpty", "output", "output: {data_root: ''}", "F:6: output.data_root: must not be empty"},
    {"BranchAlone", "output", "output: {hf_branch: b}", "F:6: output.hf_branch: has no effect: there is no hf_repo_id"},
    {"ReplaceAlone", "output", "output: {hf_repo_id: '', hf_replace: true}", "F:6: output.hf_replace: has no effect: there is no hf_repo_id"},
    {"RepoName", "output", "output: {hf_repo_id: a/b/c}", "F:6: output.hf_repo_id: expected the name of a repository like org/name (letters, digits, '-', '_' and '.'), found \"a/b/c\""},
    {"BranchName", "output", "output: {hf_repo_id: a/b, hf_branch: 'x y'}", "F:6: output.hf_branch: \"x y\" cannot be the name of a branch: it holds a blank or a control character"},
    {"BranchLock", "output", "output: {hf_repo_id: a/b, hf_branch: x.lock}", "F:6: output.hf_branch: \"x.lock\" cannot be the name of a branch: a part of it ends with '.lock'"},
    {"Private", "output", "output: {private: 0}", "F:6: output.private: expected true or false, found integer 0"},
    {"Compat", "", "compat: refrence\n", R"(F:7: compat: expected reference, found "refrence"; did you mean reference?)"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Table, ConfigErrors, testing::ValuesIn(kBadCases),
                         [](const auto& test) { return test.param.name; });

TEST(ConfigErrors, FileThatIsNotThere) {
  EXPECT_EQ(sentence_of("/nonexistent/run.yaml"), "F: cannot be opened: No such file or directory");
}

TEST(ConfigErrors, FileThatIsNoMapping) {
  EXPECT_EQ(
      sentence_of(write_yaml("- 1\n")),
      "F: expected a mapping with the sections dataset, model, tokenizer, inference, capture, "
      "output, found a list");
  EXPECT_EQ(sentence_of(write_yaml("")), "F: dataset.path: is required");
  EXPECT_EQ(sentence_of(write_yaml("dataset: {path: c}\nmodel:\n")),
            "F:2: model.name: is required");
}

TEST(ConfigErrors, ValuesThatHoldThemselves) {
  EXPECT_EQ(sentence_of(write_yaml("a: &a [*a]\n")), "F:1: values are nested deeper than 32");
}

TEST(ConfigErrors, OverridesAreNamed) {
  const std::filesystem::path path = write_yaml(file_with({"", "", "", ""}));
  const auto sentence = [&](const std::string& text) { return sentence_of(path, {text}); };
  EXPECT_EQ(sentence("capture.layers"),
            "--set capture.layers: expected key=value, or section.key=value inside a section");
  EXPECT_EQ(sentence("=1"), "--set =1: expected key=value, or section.key=value inside a section");
  EXPECT_EQ(sentence("capture..x=1"),
            "--set capture..x=1: expected key=value, or section.key=value inside a section");
  EXPECT_EQ(sentence("captur.layers=[1]"),
            "--set captur.layers=[1]: captur: unknown key; did you mean capture?");
  EXPECT_EQ(sentence("capture.layer=[1]"),
            "--set capture.layer=[1]: unknown key; did you mean capture.layers?");
  EXPECT_EQ(sentence("capture.min_bucket_size=x"),
            "--set capture.min_bucket_size=x: expected an integer from 1 to 1073741824, found text "
            "\"x\"");
  EXPECT_EQ(sentence("model.name.x=1"),
            "--set model.name.x=1: x is not a key of text \"m\" at F:2");
  EXPECT_EQ(sentence("capture.layers=[1"),
            "--set capture.layers=[1: is not YAML: end of sequence flow not found");
}

TEST(ConfigErrors, OverridesThatNothingReadsAreRefused) {
  const std::filesystem::path path = write_yaml(file_with({"", "", "", ""}));
  const auto sentence = [&](const std::string& text) { return sentence_of(path, {text}); };
  EXPECT_EQ(sentence("inference.batchsize=2"),
            "--set inference.batchsize=2: unknown key; did you mean inference.batch_size?");
  EXPECT_EQ(sentence("output.hf_branch=x"),
            "--set output.hf_branch=x: has no effect: there is no hf_repo_id");
  EXPECT_EQ(
      sentence("capture.sampler={type: all, bas_rate: 2}"),
      "--set capture.sampler={type: all, bas_rate: 2}: capture.sampler.bas_rate: unknown key; did "
      "you mean capture.sampler.base_rate?");
  EXPECT_EQ(sentence("capture.sampler.type.name=all"),
            "--set capture.sampler.type.name=all: capture.sampler.type: expected text, found a "
            "mapping");
  EXPECT_EQ(sentence("compatt=reference"),
            "--set compatt=reference: unknown key; did you mean compat?");
}

TEST(ConfigErrors, OverridesWithoutEffectAreRefused) {
  const std::filesystem::path path = write_yaml(file_with({"", "", "", ""}));
  const auto sentence = [&](const std::vector<std::string>& sets) {
    return sentence_of(path, sets);
  };
  EXPECT_EQ(sentence({"capture.head_sampling.seed=3"}),
            "--set capture.head_sampling.seed=3: capture.head_sampling.count: is required");
  EXPECT_EQ(
      sentence({"capture.sampler.type=all", "capture.sampler.base_rate=2"}),
      "--set capture.sampler.base_rate=2: has no effect: the sampler all takes every position");
  for (const char* set :
       {"dataset.streaming=true", "model.trust_remote_code=true", "tokenizer.padding=longest",
        "tokenizer.trust_remote_code=true", "tokenizer.padding_side=right",
        "inference.debug_log_every_n_batches=2", "inference.mps_cleanup_every_batches=2",
        "output.private=true", "output.readme_path=card.md", "output.write_batch_size=10"}) {
    EXPECT_EQ(sentence({set}).find(fmt::format("--set {}: has no effect: ", set)), 0U) << set;
  }
}

}  // namespace
}  // namespace qk
