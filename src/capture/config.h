// What a capture run is to do: the original tool's YAML file, checked and with every default
// applied. The fields are explained in docs/config.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "corpus/corpus.h"
#include "sampling/row_selection.h"

namespace qk {

// Which of the two capture points fill the columns.
enum class CaptureRope : uint8_t {
  kPost,  // `vector` after the rotary embedding
  kPre,   // `vector` before it
  kBoth,  // `vector` after it, `vector_pre_rope` before it
};

const char* rope_name(CaptureRope rope);

// A key that only some devices heed (capture/device_choice.h).
struct DeviceKey {
  std::optional<std::string> value;  // as it was given, or none
  std::string start;                 // of a sentence about it: "run.yaml:4: model.device_map: "
  bool is_override = false;          // given by --set: it must take effect
};

struct ModelSection {
  std::string name;  // folder, GGUF file or Hub id
  std::optional<std::string> revision;
  std::string dtype = "float16";   // of weights and activations on torch; else recorded only
  DeviceKey device_map;            // none: auto
  std::string device_map_fault;    // why it cannot be heeded, or empty
  bool trust_remote_code = false;  // no effect
  DeviceKey attn_implementation;
  std::string config_overrides;  // a JSON object, or empty
};

struct TokenizerSection {
  std::optional<std::string> name;  // none: model.name
  int64_t max_length = 4096;        // tokens, special tokens included
  std::string padding = "longest";  // recorded, no effect: pad tokens are never computed
  bool trust_remote_code = false;   // no effect
};

struct InferenceSection {
  int64_t batch_size = 1;  // documents that are computed together
  DeviceKey autocast_dtype;
  bool debug_logging = false;
  int64_t debug_log_every_n_batches = 1;
};

struct HeadSampling {
  int64_t count = 0;
  int64_t seed = 0;
};

struct CaptureSection {
  bool capture_queries = true;
  bool capture_keys = true;
  std::vector<int64_t> layers;  // ascending, no doubles; empty: all
  std::vector<int64_t> heads;   // likewise
  std::optional<HeadSampling> head_sampling;
  bool full_attention_only = false;
  SamplerType sampler = SamplerType::kLogUniform;
  double base_rate = 1.0;
  bool shared_positions = false;  // sampler.positions: the same rows in all layers and kinds
  std::optional<int64_t> max_rows_per_batch;  // per document, layer and kind
  int64_t min_bucket_size = 128;              // tokens
  CaptureRope rope = CaptureRope::kPost;
  bool capture_token_strings = false;
  bool skip_nonfinite = false;  // on_nonfinite: skip; a document with a vector that is not finite

  RowRules row_rules() const {
    return {sampler, base_rate, min_bucket_size, max_rows_per_batch, shared_positions};
  }
};

struct OutputSection {
  std::string data_root = "data";
  // Where the dataset is published; recorded in the card.
  std::optional<std::string> hf_repo_id, hf_branch;
  bool is_private = false;         // if the repository has to be created
  std::optional<bool> hf_replace;  // none: as compat_reference
};

struct SniffConfig {
  CorpusConfig dataset;
  ModelSection model;
  TokenizerSection tokenizer;
  InferenceSection inference;
  CaptureSection capture;
  OutputSection output;
  bool compat_reference = false;      // `compat: reference`
  std::vector<std::string> warnings;  // whole sentences with file and line
};

// The type that a dtype of the file names.
DType dtype_of(const std::string& name);

// Reads the file; each override is "section.key=value" (the value in YAML) and replaces what the
// file says. Throws Error with the file's line, or the override, and the key: everything that
// docs/config.md calls an error, except what only the model shows (layers and heads: plan.h).
//   warnings_before  if not null: takes the warnings that came before an Error, a section with an
//                    unknown name among them, which may be why a key is missing
SniffConfig load_config(const std::filesystem::path& path,
                        const std::vector<std::string>& overrides = {},
                        std::vector<std::string>* warnings_before = nullptr);

// The fields that decide what a dataset holds, resolved, as JSON: all but `inference`,
// `output.data_root` and the fields without effect. The same text for the same dataset.
std::string config_json(const SniffConfig& config);

}  // namespace qk
