#include "capture/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/nearest.h"
#include "capture/config_hub.h"
#include "download/resolver.h"
#include "yaml/overrides.h"
#include "yaml/yaml_reader.h"

namespace qk {
namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
constexpr int64_t kInt32 = std::numeric_limits<int32_t>::max();
constexpr int64_t kLargestText = int64_t{1} << 30;
constexpr int64_t kLargestBucket = int64_t{1} << 30;

constexpr std::array<std::string_view, 6> kSections = {"dataset",   "model",   "tokenizer",
                                                       "inference", "capture", "output"};
constexpr std::array<std::string_view, 6> kDtypes = {"float16", "bfloat16", "float32",
                                                     "fp16",    "bf16",     "fp32"};
constexpr std::array<std::string_view, 3> kRopes = {"post", "pre", "both"};
constexpr std::array<std::string_view, 2> kPositions = {"independent", "shared"};
constexpr std::array<std::string_view, 2> kPolicies = {"stop", "skip"};
constexpr std::array<std::string_view, 3> kPaddings = {"longest", "max_length", "do_not_pad"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Index of the word in the list; Error with the list, and the nearest one, if it is not there.
size_t choose(const MappingReader& section, std::string_view key, const std::string& word,
              std::span<const std::string_view> choices) {
  const auto it = std::find(choices.begin(), choices.end(), word);
  if (it != choices.end()) return static_cast<size_t>(it - choices.begin());
  section.refuse_with(key, fmt::format("expected {}, found \"{}\"{}", one_of(choices),
                                       printable(word), did_you_mean(word, choices)));
}

std::string dtype_name(MappingReader& section, std::string_view key) {
  const std::string name = section.text(key).value_or("float16");
  choose(section, key, lower(name), kDtypes);
  return name;
}

// Where the original ignores unknown keys: a warning in a file, an error in an override.
void note_unknown(const std::string& sentence, std::vector<std::string>& warnings) {
  if (sentence.starts_with(kOverrideOption)) throw Error(sentence);
  warnings.push_back(sentence + " (ignored, as the original does)");
}

// Refuses the key in an override. A file may have it, since files of the original do.
void refuse_without_effect(MappingReader& section, std::string_view key, std::string_view why) {
  const bool is_override = section.place(key).starts_with(kOverrideOption);
  if (section.any(key) == nullptr || !is_override) return;
  section.refuse_with(key, fmt::format("has no effect: {}", why));
}

// The same with a warning for the file.
void note_without_effect(MappingReader& section, std::string_view key, std::string_view why,
                         std::vector<std::string>& warnings) {
  refuse_without_effect(section, key, why);
  if (section.any(key) == nullptr) return;
  warnings.push_back(section.sentence(key, fmt::format("has no effect: {}", why)));
}

DeviceKey device_key(const MappingReader& section, std::string_view key,
                     std::optional<std::string> value) {
  return {.value = std::move(value),
          .start = section.sentence(key, ""),
          .is_override = section.place(key).starts_with(kOverrideOption)};
}

// What transformers knows beside the name of one device is a fault, told if the key decides.
void read_device_map(MappingReader& section, ModelSection& out) {
  const YamlValue* map = section.any("device_map");
  std::optional<std::string> name;
  if (map != nullptr && map->kind == YamlValue::Kind::kText) name = map->text;
  out.device_map = device_key(section, "device_map", name);
  if (map == nullptr || map->kind == YamlValue::Kind::kNull) return;
  constexpr std::array<std::string_view, 3> kSpreading = {"balanced", "balanced_low_0",
                                                          "sequential"};
  const bool spreads = name && std::ranges::find(kSpreading, *name) != kSpreading.end();
  if (name && !spreads) return;
  out.device_map_fault = fmt::format(
      "expected auto, cpu, torch:cpu, cuda, cuda:0, cuda:0,1 or cuda:all, found {}: the layers of a "
      "model are not spread over devices; a model that is too large for one is streamed, and several "
      "devices share the documents",
      map->describe());
}

CorpusConfig read_dataset(MappingReader section, std::vector<std::string>& warnings) {
  CorpusConfig out;
  out.path = section.required_text("path");
  out.name = section.text_or_null("name");
  const auto place = find_on_disk(out.path);
  if (std::error_code error; out.name && place && std::filesystem::is_regular_file(*place, error)) {
    note_without_effect(section, "name", "dataset.path is a file, not a folder or Hub dataset",
                        warnings);
  }
  out.revision = section.text_or_null("revision");
  if (out.revision && place) {
    note_without_effect(section, "revision", "dataset.path is a path, not a Hub dataset", warnings);
  }
  out.split = section.text("split").value_or(out.split);
  out.text_column = section.text("text_column").value_or(out.text_column);
  out.id_column = section.text_or_null("id_column");
  if (out.id_column && out.id_column->empty()) out.id_column.reset();
  out.max_samples = section.integer_or_null("max_samples", 0, kAny);
  if (out.max_samples == 0) {
    section.refuse_with("max_samples", "0 documents: the run would capture nothing");
  }
  if (const auto word = section.text("on_bad_text")) {
    out.skip_bad_text = choose(section, "on_bad_text", *word, kPolicies) == 1;
  }
  out.max_text_bytes = section.integer("max_text_bytes", 1, kLargestText).value_or(kLargestText);
  section.boolean("streaming");
  refuse_without_effect(section, "streaming", "documents are always streamed");
  section.reject_unknown_keys();
  return out;
}

ModelSection read_model(MappingReader section, std::vector<std::string>& warnings) {
  ModelSection out;
  out.name = section.required_text("name");
  out.revision = section.text_or_null("revision");
  if (out.revision && find_on_disk(out.name)) {
    note_without_effect(section, "revision", "model.name is a path, not a Hub model", warnings);
  }
  out.dtype = dtype_name(section, "dtype");
  read_device_map(section, out);
  out.trust_remote_code = section.boolean("trust_remote_code").value_or(false);
  if (out.trust_remote_code) {
    note_without_effect(section, "trust_remote_code", "code from a checkpoint is never run",
                        warnings);
  }
  out.attn_implementation =
      device_key(section, "attn_implementation", section.text_or_null("attn_implementation"));
  const YamlValue* overrides = section.mapping("config_overrides");
  if (overrides != nullptr && !overrides->entries.empty()) {
    out.config_overrides = yaml_to_json(*overrides);
  }
  section.reject_unknown_keys();
  return out;
}

std::string read_padding(MappingReader& section) {
  const YamlValue* value = section.any("padding");
  if (value == nullptr) return "longest";
  if (value->kind == YamlValue::Kind::kBoolean) return value->boolean ? "longest" : "do_not_pad";
  const std::string word = section.text("padding").value_or("");
  return std::string(kPaddings.at(choose(section, "padding", word, kPaddings)));
}

TokenizerSection read_tokenizer(MappingReader section, std::vector<std::string>& warnings) {
  TokenizerSection out;
  out.name = section.text_or_null("name");
  if (out.name && out.name->empty()) out.name.reset();
  out.max_length = section.integer("max_length", 1, kInt32).value_or(out.max_length);
  out.padding = read_padding(section);
  refuse_without_effect(section, "padding", "pad tokens are never computed");
  out.trust_remote_code = section.boolean("trust_remote_code").value_or(false);
  if (out.trust_remote_code) {
    note_without_effect(section, "trust_remote_code", "code from a checkpoint is never run",
                        warnings);
  }
  const std::string side = section.text("padding_side").value_or("right");
  if (side == "left") {
    section.refuse_with("padding_side",
                        "expected right, found left, with which positions would be wrong");
  }
  if (side != "right") section.refuse("padding_side", "right");
  refuse_without_effect(section, "padding_side", "pad tokens are never computed");
  section.reject_unknown_keys();
  return out;
}

InferenceSection read_inference(MappingReader section, std::vector<std::string>& warnings) {
  InferenceSection out;
  out.batch_size = section.integer("batch_size", 1, kInt32).value_or(out.batch_size);
  const std::string autocast = dtype_name(section, "autocast_dtype");
  const bool is_given = section.any("autocast_dtype") != nullptr;
  out.autocast_dtype =
      device_key(section, "autocast_dtype", is_given ? std::optional(autocast) : std::nullopt);
  out.debug_logging = section.boolean("debug_logging").value_or(false);
  const auto every = section.integer("debug_log_every_n_batches", -kAny, kAny).value_or(1);
  out.debug_log_every_n_batches = std::max<int64_t>(1, every);
  section.integer("mps_cleanup_every_batches", -kAny, kAny);
  refuse_without_effect(section, "debug_log_every_n_batches", "progress is shown in one line");
  refuse_without_effect(section, "mps_cleanup_every_batches", "Qkscope has no MPS backend");
  for (const std::string& unknown : section.unknown_keys()) note_unknown(unknown, warnings);
  return out;
}

void read_sampler(MappingReader& capture, CaptureSection& out, std::vector<std::string>& warnings) {
  const YamlValue* value = capture.any("sampler");
  if (value == nullptr || value->kind == YamlValue::Kind::kNull) return;
  if (value->kind == YamlValue::Kind::kText) {  // the short form: only the type
    const size_t type = choose(capture, "sampler", lower(value->text), kSamplerNames);
    out.sampler = static_cast<SamplerType>(type);
    return;
  }
  if (value->kind != YamlValue::Kind::kMapping) capture.refuse("sampler", "a mapping");
  MappingReader section(*value, capture.full_name("sampler"));
  const std::string type = lower(section.text("type").value_or("log_uniform"));
  out.sampler = static_cast<SamplerType>(choose(section, "type", type, kSamplerNames));
  out.base_rate = section.number("base_rate").value_or(out.base_rate);
  if (!std::isfinite(out.base_rate)) section.refuse("base_rate", "a finite number");
  if (out.base_rate <= 0 && out.sampler != SamplerType::kAll) {
    section.refuse_with("base_rate", fmt::format("expected a number above 0, found {}: the run "
                                                 "would capture nothing",
                                                 out.base_rate));
  }
  if (out.sampler == SamplerType::kAll) {
    note_without_effect(section, "base_rate", "the sampler all takes every position", warnings);
  }
  if (const auto word = section.text("positions")) {
    out.shared_positions = choose(section, "positions", lower(*word), kPositions) == 1;
  }
  section.reject_unknown_keys();
}

void read_head_sampling(MappingReader& capture, CaptureSection& out) {
  const YamlValue* value = capture.any("head_sampling");
  if (value == nullptr || value->kind == YamlValue::Kind::kNull) return;
  if (value->kind != YamlValue::Kind::kMapping) {
    capture.refuse("head_sampling", "a mapping with count and seed, or null");
  }
  MappingReader section(*value, capture.full_name("head_sampling"));
  const auto count = section.integer("count", 1, kAny);
  if (!count) section.refuse_with("count", "is required");
  out.head_sampling = HeadSampling{*count, section.integer("seed", -kAny, kAny).value_or(0)};
  section.reject_unknown_keys();
}

// capture.rope, or what capture_pre_rope says; Error if the two disagree.
CaptureRope read_rope(MappingReader& section) {
  const auto pre = section.boolean("capture_pre_rope");
  const auto word = section.text_or_null("rope");
  if (!word) return pre.value_or(false) ? CaptureRope::kPre : CaptureRope::kPost;
  const auto rope = static_cast<CaptureRope>(choose(section, "rope", *word, kRopes));
  if (pre && *pre != (rope == CaptureRope::kPre) && (*pre || rope == CaptureRope::kPre)) {
    section.refuse_with(
        "rope", fmt::format("is {}, but {} says {}: {}", *word, section.place("capture_pre_rope"),
                            section.full_name("capture_pre_rope"), *pre));
  }
  return rope;
}

std::vector<int64_t> index_set(MappingReader& section, std::string_view key) {
  std::vector<int64_t> out = section.integers(key).value_or(std::vector<int64_t>{});
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

CaptureSection read_capture(MappingReader section, std::vector<std::string>& warnings) {
  CaptureSection out;
  out.capture_queries = section.boolean("capture_queries").value_or(true);
  out.capture_keys = section.boolean("capture_keys").value_or(true);
  if (!out.capture_queries && !out.capture_keys) {
    section.refuse_with("capture_keys",
                        "is false and so is capture_queries: the run would capture nothing");
  }
  out.layers = index_set(section, "layers");
  out.heads = index_set(section, "heads");
  read_head_sampling(section, out);
  out.full_attention_only = section.boolean("full_attention_only").value_or(false);
  read_sampler(section, out, warnings);
  out.max_rows_per_batch = section.integer_or_null("max_rows_per_batch", -kAny, kAny);
  if (out.max_rows_per_batch && *out.max_rows_per_batch <= 0) out.max_rows_per_batch.reset();
  out.min_bucket_size =
      section.integer("min_bucket_size", 1, kLargestBucket).value_or(out.min_bucket_size);
  out.rope = read_rope(section);
  out.capture_token_strings = section.boolean("capture_token_strings").value_or(false);
  if (const auto word = section.text("on_nonfinite")) {
    out.skip_nonfinite = choose(section, "on_nonfinite", *word, kPolicies) == 1;
  }
  section.reject_unknown_keys();
  return out;
}

OutputSection read_output(MappingReader section, std::vector<std::string>& warnings) {
  OutputSection out;
  out.data_root = expand_home(section.text("data_root").value_or(out.data_root)).string();
  if (out.data_root.empty()) section.refuse_with("data_root", "must not be empty");
  if (section.text("readme_path").value_or("README.md") != "README.md") {
    note_without_effect(section, "readme_path", "the card is always README.md in data_root",
                        warnings);
  }
  read_hub_keys(section, out);
  if (!out.hf_repo_id) refuse_without_effect(section, "private", "there is no hf_repo_id");
  section.integer("write_batch_size", -kAny, kAny);
  note_without_effect(section, "write_batch_size", "rows go to a journal", warnings);
  section.reject_unknown_keys();
  return out;
}

// A section that is absent or null is empty.
MappingReader section_of(MappingReader& top, std::string_view name) {
  static const YamlValue empty = [] {
    YamlValue value;
    value.kind = YamlValue::Kind::kMapping;
    return value;
  }();
  const YamlValue* value = top.any(name);
  if (value == nullptr || value->kind == YamlValue::Kind::kNull) {
    return {empty, std::string(name), top.place(name)};
  }
  if (value->kind != YamlValue::Kind::kMapping) top.refuse(name, "a mapping");
  return {*value, std::string(name)};
}

void note_unknown_sections(const MappingReader& top, std::vector<std::string>& warnings) {
  for (const std::string& unknown : top.unknown_keys()) note_unknown(unknown, warnings);
}

void read_sections(MappingReader& top, const std::string& file, SniffConfig& out) {
  out.dataset = read_dataset(section_of(top, "dataset"), out.warnings);
  out.model = read_model(section_of(top, "model"), out.warnings);
  out.tokenizer = read_tokenizer(section_of(top, "tokenizer"), out.warnings);
  out.inference = read_inference(section_of(top, "inference"), out.warnings);
  out.capture = read_capture(section_of(top, "capture"), out.warnings);
  out.output = read_output(section_of(top, "output"), out.warnings);
  if (const auto compat = top.text_or_null("compat")) {
    constexpr std::array<std::string_view, 1> kModes = {"reference"};
    choose(top, "compat", *compat, kModes);
    out.compat_reference = true;
  }
  if (out.compat_reference && out.capture.shared_positions) {
    fail(
        "{}: capture.sampler.positions: shared does not go with compat: reference, which draws the "
        "rows of each layer independently as the original does",
        file);
  }
  note_unknown_sections(top, out.warnings);
}

// Those that were found before the error, and the unknown keys of the file.
std::vector<std::string> warnings_of_error(MappingReader& top, const SniffConfig& out) {
  std::vector<std::string> warnings = out.warnings;
  for (const std::string_view section : kSections) top.any(section);
  top.any("compat");
  std::vector<std::string> unknown;
  try {
    note_unknown_sections(top, unknown);
  } catch (const Error&) {  // of an override: the error to report, or another one came before
    unknown.clear();
  }
  for (std::string& sentence : unknown) {
    if (std::ranges::count(warnings, sentence) == 0) warnings.push_back(std::move(sentence));
  }
  return warnings;
}

}  // namespace

const char* rope_name(CaptureRope rope) { return kRopes.at(static_cast<size_t>(rope)).data(); }

DType dtype_of(const std::string& name) {
  constexpr std::array<DType, 3> kTypes = {DType::kF16, DType::kBF16, DType::kF32};
  const auto it = std::find(kDtypes.begin(), kDtypes.end(), lower(name));
  QK_CHECK(it != kDtypes.end());
  return kTypes.at(static_cast<size_t>(it - kDtypes.begin()) % kTypes.size());
}

SniffConfig load_config(const std::filesystem::path& path,
                        const std::vector<std::string>& overrides,
                        std::vector<std::string>* warnings_before) {
  const std::string file = path.string();
  YamlValue tree = parse_yaml(read_file(path, size_t{1} << 20), file);
  if (tree.kind == YamlValue::Kind::kNull) tree.kind = YamlValue::Kind::kMapping;
  if (tree.kind != YamlValue::Kind::kMapping) {
    fail("{}: expected a mapping with the sections {}, found {}", file, fmt::join(kSections, ", "),
         tree.describe());
  }
  tree.place = file;
  for (const std::string& text : overrides) apply_override(tree, text);
  SniffConfig out;
  MappingReader top(tree, "");
  try {
    read_sections(top, file, out);
  } catch (const Error&) {
    if (warnings_before != nullptr) *warnings_before = warnings_of_error(top, out);
    throw;
  }
  return out;
}

}  // namespace qk
