// A checkpoint that is ready to run: configuration and bound weights. Weights stay mapped, in their
// stored type. Threads: const access from many.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/tensor.h"
#include "model/architecture.h"
#include "model/file_provider.h"
#include "model/model_config.h"

namespace qk {

class GgufFile;

// Weights of one decoder layer. Absent ones have data == nullptr (matrices) or are empty (vectors).
struct LayerWeights {
  std::vector<float> input_norm, post_attention_norm, pre_mlp_norm, post_mlp_norm;  // [hidden_size]
  std::vector<float> q_norm, k_norm;                                                // [head_dim]
  WeightMatrix q_proj, k_proj, v_proj, o_proj;  // [heads * head_dim, hidden_size], ...
  std::vector<float> q_bias, k_bias, v_bias, o_bias;
  WeightMatrix gate_proj, up_proj, down_proj;  // of a fused gate_up these are parts of gate_up_proj
  WeightMatrix gate_up_proj;                   // gate rows first; absent if there are two matrices
  std::vector<float> gate_bias, up_bias, down_bias;
};

struct Model {
  const Architecture* architecture = nullptr;
  ModelConfig config;
  WeightMatrix embedding;            // [embedding_rows, hidden_size]
  std::vector<LayerWeights> layers;  // [num_hidden_layers]; empty after the last needed one
  std::filesystem::path source;      // folder or GGUF file
  int64_t weight_bytes = 0;          // mapped bytes of the tensors in use
  // Shards of the index that were not opened, since no tensor in them is needed.
  std::vector<std::filesystem::path> other_shards;
  // With FileProvider::plan_only: weights that would have to be brought, and their bytes. If there
  // are any, no weight may be read: types and sizes follow from config.json, nothing is checked.
  std::vector<std::string> unbrought;
  int64_t unbrought_bytes = 0;
  // Beside the decoder and its output head: what queries and keys do not depend on.
  std::vector<std::string> ignored_tensors;
  std::vector<std::string> warnings;
  // The files that the views point into.
  std::vector<std::shared_ptr<const MappedFile>> files;
  std::shared_ptr<const GgufFile> gguf;  // null for safetensors
};

// Reads only configuration (no weights): what the plan needs.
//   source     folder with config.json, or a GGUF file
//   overrides  model.config_overrides as JSON text; empty: none. Merged as docs/config.md says
//   under `model`
ModelConfig read_model_config(const std::filesystem::path& source, const std::string& overrides,
                              std::span<const Architecture* const> registry);

// The last layer that is needed, given what the plan needs to know.
using LastLayer = std::function<int(const ModelConfig&, const Architecture&)>;

// Binds every tensor up to the last layer that is needed (default: all). Throws one Error that lists
// all differences between what the architecture names and what the files hold (the first few and the
// count).
//   provider  brings each file of the folder before it is opened: config.json, then the single file
//             of weights or the index, then the shards that are needed. Null: all are there
Model load_model(const std::filesystem::path& source, const std::string& overrides,
                 std::span<const Architecture* const> registry, const LastLayer& last_layer = {},
                 const FileProvider* provider = nullptr);

}  // namespace qk
