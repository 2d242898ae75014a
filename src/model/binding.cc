#include "model/binding.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "kernels/widen.h"

namespace qk {
namespace {

constexpr size_t kMaxListed = 5;  // differences that the message spells out

// Looks tensors up by name and collects what does not fit.
class Binder {
 public:
  // Every tensor that is asked for is there, with this type and without bytes.
  explicit Binder(DType planned) : is_gguf_(false), planned_(planned) {}
  Binder(std::span<const StoredTensor> tensors, bool is_gguf) : is_gguf_(is_gguf) {
    for (const StoredTensor& tensor : tensors) {
      if (!by_name_.emplace(tensor.name, &tensor).second) {
        differ("{}: found twice", printable(tensor.name));
      }
    }
  }

  WeightMatrix matrix(const std::string& name, int64_t rows, int64_t cols) {
    if (planned_) return planned_matrix(rows, cols);
    const StoredTensor* tensor = take(name, {rows, cols});
    if (tensor == nullptr) return {};
    const DType dtype = *tensor->dtype;
    if (cols % info(dtype).block_elements != 0) {
      differ("{} is {} with rows of {}, expected whole blocks of {}", printable(name),
             tensor->dtype_name, cols, info(dtype).block_elements);
      return {};
    }
    return {tensor->bytes.data(), dtype, rows, cols, row_bytes(dtype, cols), 0};
  }

  std::vector<float> vector(const std::string& name, int64_t size) {
    if (planned_) {
      used_bytes_ += row_bytes(*planned_, size);
      return std::vector<float>(static_cast<size_t>(size));
    }
    const StoredTensor* tensor = take(name, {size});
    if (tensor == nullptr) return {};
    if (info(*tensor->dtype).block_elements != 1) {
      differ("{} is {}, expected F32, F16 or BF16", printable(name), tensor->dtype_name);
      return {};
    }
    std::vector<float> out(static_cast<size_t>(size));
    widen_row(*tensor->dtype, tensor->bytes.data(), 0, size, out.data());
    return out;
  }

  template <typename... Args>
  void differ(fmt::format_string<Args...> sentence, Args&&... args) {
    ++num_differences_;
    if (listed_.size() < kMaxListed) {
      listed_.push_back(fmt::format(sentence, std::forward<Args>(args)...));
    }
  }

  bool is_gguf() const { return is_gguf_; }
  bool used(const std::string& name) const { return used_.contains(name); }
  int64_t used_bytes() const { return used_bytes_; }

  void finish(const std::string& source) const {
    if (num_differences_ == 0) return;
    const size_t hidden = num_differences_ - listed_.size();
    fail("{}: the tensors are not those that the configuration implies: {}{}", source,
         fmt::join(listed_, "; "),
         hidden > 0 ? fmt::format("; and {} more differences", hidden) : "");
  }

 private:
  WeightMatrix planned_matrix(int64_t rows, int64_t cols) {
    static constexpr std::byte kNoBytes{};
    const int64_t stride = row_bytes(*planned_, cols);
    used_bytes_ += rows * stride;
    return {&kNoBytes, *planned_, rows, cols, stride, 0};
  }

  const StoredTensor* take(const std::string& name, const std::vector<int64_t>& shape) {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      differ("{} {} is missing", name, shape_text(shape));
      return nullptr;
    }
    const StoredTensor& tensor = *it->second;
    used_.insert(name);
    if (!tensor.fault.empty()) {
      differ("{} {}", name, tensor.fault);
      return nullptr;
    }
    if (tensor.shape != shape) {
      differ("{} in {} is {}, expected {}", name, printable(tensor.file),
             printable(shape_text(tensor.shape)), shape_text(shape));
      return nullptr;
    }
    if (!tensor.dtype) {
      differ("{} in {} is {}, expected F32, F16{}", name, printable(tensor.file),
             printable(tensor.dtype_name),
             is_gguf_ ? ", BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1 or Q4_0" : " or BF16");
      return nullptr;
    }
    used_bytes_ += std::ssize(tensor.bytes);
    return &tensor;
  }

  bool is_gguf_;
  std::optional<DType> planned_;
  std::unordered_map<std::string_view, const StoredTensor*> by_name_;
  std::unordered_set<std::string> used_;
  std::vector<std::string> listed_;
  size_t num_differences_ = 0;
  int64_t used_bytes_ = 0;
};

// Binds the weights of one layer; names are "<prefix><role's name>.weight".
class LayerBinder {
 public:
  LayerBinder(Binder& binder, const Model& model, std::string prefix)
      : binder_(binder),
        architecture_(*model.architecture),
        config_(model.config),
        prefix_(std::move(prefix)) {}

  LayerWeights bind() {
    LayerWeights out;
    bind_norms(out);
    bind_attention(out);
    bind_mlp(out);
    return out;
  }

 private:
  std::string name(Role role, std::string_view ending) const {
    const TensorName names = tensor_name(architecture_, role);
    return prefix_ + std::string(binder_.is_gguf() ? names.gguf : names.hf) + std::string(ending);
  }

  std::vector<float> norm(Role role, int64_t size) {
    std::vector<float> out = binder_.vector(name(role, ".weight"), size);
    if (binder_.is_gguf() && architecture_.gguf_norms_plus_one) {
      for (float& weight : out) weight -= 1.0F;
    }
    return out;
  }

  WeightMatrix matrix(Role role, int64_t rows, int64_t cols) {
    return binder_.matrix(name(role, ".weight"), rows, cols);
  }

  std::vector<float> bias(bool present, Role role, int64_t size) {
    return present ? binder_.vector(name(role, ".bias"), size) : std::vector<float>();
  }

  void bind_norms(LayerWeights& out) {
    out.input_norm = norm(Role::kInputNorm, config_.hidden_size);
    out.pre_mlp_norm = norm(Role::kPreMlpNorm, config_.hidden_size);
    if (architecture_.block.sandwich_norms) {
      out.post_attention_norm = norm(Role::kPostAttentionNorm, config_.hidden_size);
      out.post_mlp_norm = norm(Role::kPostMlpNorm, config_.hidden_size);
    }
    if (architecture_.block.qk_norm) {
      out.q_norm = norm(Role::kQNorm, config_.head_dim);
      out.k_norm = norm(Role::kKNorm, config_.head_dim);
    }
  }

  void bind_attention(LayerWeights& out) {
    const int64_t queries = config_.num_attention_heads * config_.head_dim;
    const int64_t keys = config_.num_key_value_heads * config_.head_dim;
    out.q_proj = matrix(Role::kQProj, queries, config_.hidden_size);
    out.k_proj = matrix(Role::kKProj, keys, config_.hidden_size);
    out.v_proj = matrix(Role::kVProj, keys, config_.hidden_size);
    out.o_proj = matrix(Role::kOProj, config_.hidden_size, queries);
    out.q_bias = bias(config_.qkv_bias, Role::kQProj, queries);
    out.k_bias = bias(config_.qkv_bias, Role::kKProj, keys);
    out.v_bias = bias(config_.qkv_bias, Role::kVProj, keys);
    out.o_bias = bias(config_.o_bias, Role::kOProj, config_.hidden_size);
    if (binder_.is_gguf() && architecture_.gguf_permuted_qk) {
      out.q_proj.head_rows = config_.head_dim;
      out.k_proj.head_rows = config_.head_dim;
      reorder(out.q_bias);
      reorder(out.k_bias);
    }
  }

  // Hugging Face order of a bias that is stored with permuted heads.
  void reorder(std::vector<float>& bias) const {
    const std::vector<float> stored = bias;
    const WeightMatrix order = {.head_rows = config_.head_dim};
    for (size_t row = 0; row < bias.size(); ++row) {
      bias[row] = stored[static_cast<size_t>(order.stored_row(static_cast<int64_t>(row)))];
    }
  }

  void bind_mlp(LayerWeights& out) {
    const int64_t inner = config_.intermediate_size;
    if (architecture_.block.fused_gate_up) {
      const WeightMatrix both = matrix(Role::kGateUpProj, 2 * inner, config_.hidden_size);
      if (both.data != nullptr) {
        out.gate_up_proj = both;
        out.gate_proj = both.rows_slice(0, inner);
        out.up_proj = both.rows_slice(inner, 2 * inner);
      }
    } else {
      out.gate_proj = matrix(Role::kGateProj, inner, config_.hidden_size);
      out.up_proj = matrix(Role::kUpProj, inner, config_.hidden_size);
      out.gate_bias = bias(config_.mlp_bias, Role::kGateProj, inner);
      out.up_bias = bias(config_.mlp_bias, Role::kUpProj, inner);
    }
    out.down_proj = matrix(Role::kDownProj, config_.hidden_size, inner);
    out.down_bias = bias(config_.mlp_bias, Role::kDownProj, config_.hidden_size);
  }

  Binder& binder_;
  const Architecture& architecture_;
  const ModelConfig& config_;
  std::string prefix_;
};

}  // namespace

std::string decoder_prefix(std::span<const StoredTensor> tensors, const std::string& source,
                           std::string_view embedding_name) {
  std::vector<std::string> found;
  for (const StoredTensor& tensor : tensors) {
    const std::string_view name = tensor.name;
    if (!name.ends_with(embedding_name)) continue;
    const std::string_view prefix = name.substr(0, name.size() - embedding_name.size());
    if (!prefix.empty() && !prefix.ends_with('.')) continue;
    if (!is_other_part(prefix)) found.emplace_back(prefix);
  }
  if (found.size() == 1) return found.front();
  constexpr std::array<std::string_view, 5> kUsual = {"model.", "", "language_model.model.",
                                                      "model.language_model.", "language_model."};
  std::vector<std::string> usual;
  std::ranges::copy_if(found, std::back_inserter(usual), [&](const std::string& prefix) {
    return std::ranges::find(kUsual, prefix) != kUsual.end();
  });
  if (usual.size() == 1) return usual.front();
  fail("{}: expected one tensor named ...{}, found {}", source, embedding_name,
       found.empty()
           ? "none"
           : fmt::format("{}, the second with the prefix {}", found.size(), printable(found[1])));
}

void name_tied_embedding(std::span<StoredTensor> tensors, std::string_view embedding_name) {
  constexpr std::string_view kHead = "lm_head.weight";
  constexpr std::string_view kFirst = "layers.0.input_layernorm.weight";
  StoredTensor* head = nullptr;
  std::string prefix;
  for (StoredTensor& tensor : tensors) {
    const std::string_view name = tensor.name;
    if (is_other_part(name)) continue;
    if (name.ends_with(embedding_name)) return;
    if (name == kHead || name.ends_with("." + std::string(kHead))) head = &tensor;
    if (name.ends_with(kFirst)) prefix = name.substr(0, name.size() - kFirst.size());
  }
  if (head != nullptr) head->name = prefix + std::string(embedding_name);
}

namespace {

// Notes the tensors that are not used, or differs.
void pass_over_rest(std::span<const StoredTensor> tensors, const std::string& source,
                    const std::string& prefix, int64_t last_layer, Binder& binder, Model& model) {
  std::vector<std::string> faults;
  for (const StoredTensor& tensor : tensors) {
    if (binder.used(tensor.name)) continue;
    if (!may_be_ignored(tensor, prefix, binder.is_gguf(), model.config, last_layer)) {
      binder.differ("{} in {} is unexpected", printable(tensor.name), printable(tensor.file));
    } else if (!tensor.fault.empty()) {
      faults.push_back(fmt::format("{} {}", printable(tensor.name), tensor.fault));
    } else if (!every_model_has(tensor.name, prefix, binder.is_gguf(), model.config, last_layer)) {
      model.ignored_tensors.push_back(tensor.name);
    }
  }
  if (faults.empty()) return;
  const size_t hidden = faults.size() - std::min(faults.size(), kMaxListed);
  faults.resize(faults.size() - hidden);
  model.warnings.push_back(fmt::format(
      "{}/model.safetensors.index.json: the index and the shards disagree about tensors that this "
      "capture does not need: {}{}",
      source, fmt::join(faults, "; "), hidden > 0 ? fmt::format("; and {} more", hidden) : ""));
}

// Embedding and layers.
void bind_decoder(Binder& binder, const std::string& prefix, const std::string& embedding,
                  int64_t last_layer, Model& model) {
  const ModelConfig& config = model.config;
  model.embedding = binder.matrix(prefix + embedding, config.embedding_rows, config.hidden_size);
  model.layers.resize(static_cast<size_t>(config.num_hidden_layers));
  for (size_t layer = 0; layer < model.layers.size(); ++layer) {
    if (!config.layers[layer].runs || static_cast<int64_t>(layer) > last_layer) continue;
    const std::string layers = prefix + (binder.is_gguf() ? "blk." : "layers.");
    model.layers[layer] = LayerBinder(binder, model, fmt::format("{}{}.", layers, layer)).bind();
  }
}

}  // namespace

void bind_weights(std::span<const StoredTensor> tensors, bool is_gguf, const std::string& source,
                  int64_t last_layer, Model& model) {
  const TensorName embedding = tensor_name(*model.architecture, Role::kEmbedding);
  const std::string ending = std::string(is_gguf ? embedding.gguf : embedding.hf) + ".weight";
  const std::string prefix = is_gguf ? "" : decoder_prefix(tensors, source, ending);
  Binder binder(tensors, is_gguf);
  bind_decoder(binder, prefix, ending, last_layer, model);
  pass_over_rest(tensors, source, prefix, last_layer, binder, model);
  binder.finish(source);
  model.weight_bytes = binder.used_bytes();
}

void plan_weights(DType dtype, int64_t last_layer, Model& model) {
  Binder binder(dtype);
  bind_decoder(binder, "", "", last_layer, model);
  model.weight_bytes = binder.used_bytes();
}

}  // namespace qk
