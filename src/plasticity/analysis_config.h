// What an analysis is to do: the original tool's YAML fields, and ours. docs/analysis.md explains
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plasticity/method_options.h"

namespace qk {

enum class Covariance : uint8_t {
  kDiagonal,  // in the basis that the rotation of spec section 8 gives: depends on the basis
  kFull,      // does not
};

struct AnalysisConfig {
  // Where the dataset is: the first of these that is given.
  std::optional<std::string> dataset;                // --dataset: folder or Hub id
  std::optional<std::string> dataset_local_root;     // folder
  std::string dataset_name = "viktoroo/sniffed-qk";  // Hub id, looked for in the local cache
  std::optional<std::string> dataset_revision;       // branch, tag or commit; none: main
  std::optional<std::string> dataset_cache_dir;      // the Hub cache; none: the usual one
  std::string model_dir;                             // folder below the root; "" is the root

  // None: what the dataset says, else what is there.
  std::optional<int64_t> num_layers;
  std::optional<int64_t> num_q_heads;
  std::optional<int64_t> num_k_heads;

  int64_t max_tokens_per_head = 50000;  // rows, of queries and of keys
  int64_t num_pairs_per_bucket = 256;   // key pairs drawn for each pair of buckets
  int64_t normality_max_dims = 64;
  double p_alpha = 0.01;
  int64_t seed = 0;  // not negative

  std::string output_csv = "head_metrics.csv";
  std::string bucket_csv = "head_bucket_plasticity.csv";
  std::string component_csv = "head_component_weights.csv";
  std::optional<int64_t> max_workers;  // threads; none: all cores

  bool compat_reference = false;  // `compat: reference`: the original's numbers, defects included
  std::string method = "linear";  // the name of a PlasticityMethod
  Covariance covariance = Covariance::kDiagonal;  // of `linear`

  MethodOptions methods;
  BootstrapOptions bootstrap;
  std::string ci_csv = "head_metrics_ci.csv";

  std::string given_json = "{}";      // the fields as they were given, as a JSON object
  std::vector<std::string> warnings;  // whole sentences with file and line
};

struct ConfigSource {
  std::optional<std::filesystem::path> file;  // --config
  struct Override {
    std::string option;  // for messages: "--seed"
    std::string key;     // "seed"; empty: `value` is "key=value" with the value in YAML (--set)
    std::string value;
  };
  std::vector<Override> overrides;  // later ones win
};

// Reads the file, if there is one, and applies the overrides. Throws Error with the file's line or
// the option, and the key: everything that docs/analysis.md calls an error.
AnalysisConfig load_analysis_config(const ConfigSource& source);

}  // namespace qk
