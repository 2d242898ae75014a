// Which keys llama.cpp knows, and which of them its loader of each architecture reads: llama.cpp's
// llama-arch.cpp, llama-model.cpp and models/*.cpp, version 0.5.0.
#include "model/gguf_other_keys.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

using nlohmann::json;

// Those that gguf_decoder_config reads, for every architecture.
constexpr std::string_view kRead[] = {
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "nextn_predict_layers",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
};

// Queries and keys do not depend on these.
constexpr std::string_view kIdle[] = {
    "embedding_length_out",
    "final_logit_softcapping",
    "leading_dense_block_count",
    "logit_scale",
    "pooling_type",
    "rope.scaling.finetuned",
    "router_logit_softcapping",
    "tensor_data_layout",
    "vocab_size",
};

// Nor on keys that begin so: other parts of a multimodal file, and details of experts (a file with
// experts is refused by expert_count).
constexpr std::string_view kIdleBeginnings[] = {"vision.", "audio.", "mm.", "classifier.",
                                                "expert_"};

// Numbers that other architectures of llama.cpp read, and the values that change nothing.
struct NeutralKey {
  std::string_view key;
  double value;
  double same;  // means the same
};
constexpr NeutralKey kNeutral[] = {
    {"attention.clamp_kqv", 0, 0},      {"attention.max_alibi_bias", 0, 0},
    {"attention.output_scale", 1, 0},   {"attention.shared_kv_layers", 0, 0},
    {"attention.value_scale", 1, 0},    {"attn_logit_softcapping", 0, 0},
    {"embedding_scale", 1, 0},          {"expert_count", 0, 0},
    {"expert_group_count", 0, 0},       {"expert_used_count", 0, 0},
    {"residual_scale", 1, 0},           {"rope.scaling.alpha", 1, 0},
    {"rope.scaling.attn_factor", 1, 1}, {"rope.scaling.yarn_ext_factor", 1, -1},
};

// Words of names that speak of the computation.
constexpr std::string_view kWords[] = {
    "act",     "activation", "alibi",    "attention",   "attn",   "bias",    "causal",
    "clamp",   "clip",       "eps",      "epsilon",     "expert", "experts", "freq",
    "kda",     "layers",     "loops",    "mask",        "moe",    "mscale",  "multiplier",
    "norm",    "recurrent",  "residual", "rope",        "rotary", "scalar",  "scale",
    "scaling", "sliding",    "softcap",  "softcapping", "ssm",    "swa",     "temperature",
    "theta",   "window",     "wkv",      "yarn",
};

template <typename List>
bool contains(const List& list, std::string_view key) {
  return std::ranges::find(list, key) != std::end(list);
}

bool speaks_of_the_computation(std::string_view key) {
  if (key.starts_with("rope.") || key.starts_with("attention.")) return true;
  while (!key.empty()) {
    const size_t end = std::min(key.find_first_of("._"), key.size());
    if (contains(kWords, key.substr(0, end))) return true;
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  return false;
}

// What YaRN multiplies queries and keys by, as llama.cpp computes it.
double yarn_attention(const json& rope) {
  const double factor = rope.value("factor", 1.0);
  const auto growth = [&](double scale) {
    return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0;
  };
  const double all_dim = rope.value("mscale_all_dim", 0.0);
  return all_dim != 0 ? growth(1) / growth(all_dim) : growth(1);
}

// Keys whose neutral value depends on the rest of the file. Marks them as checked.
class DerivedKeys {
 public:
  DerivedKeys(const GgufKeys& keys, const Architecture& architecture, const json& config)
      : keys_(keys), config_(config) {
    const json& parameters = config.at("rope_parameters");
    rope_ = architecture.block.rope_by_layer_type ? parameters.at("full_attention") : parameters;
    sizes();
    yarn(architecture);
    query_scale(architecture);
    only("rope.freq_base_swa", architecture.block.rope_by_layer_type, rope_.at("rope_theta"));
    keys_.refuse_unless_flag("attention.causal", true);
    keys_.refuse_unless_flag("use_parallel_residual", false);
    checked_.insert(checked_.end(), {"attention.causal", "use_parallel_residual"});
    sections();
  }

  bool checked(std::string_view key) const { return contains(checked_, key); }

 private:
  void check(std::string_view key, std::initializer_list<double> values) {
    keys_.refuse_unless(key, values);
    checked_.push_back(key);
  }

  // A key that has been read if `is_read`; else only the neutral value is accepted.
  void only(std::string_view key, bool is_read, double neutral) {
    if (is_read) {
      checked_.push_back(key);
    } else {
      check(key, {neutral});
    }
  }

  void sizes() {
    const double head_dim = config_.at("head_dim");
    const double rotary_dim =
        static_cast<double>(keys_.integer("rope.dimension_count").value_or(config_.at("head_dim")));
    check("attention.layer_norm_epsilon", {config_.at("rms_norm_eps")});
    check("attention.key_length_swa", {head_dim});
    check("attention.value_length_swa", {head_dim});
    check("rope.dimension_count_swa", {rotary_dim});
    const double scale = config_.value("query_pre_attn_scalar", head_dim);
    check("attention.scale", {0, 1 / std::sqrt(scale)});
  }

  void yarn(const Architecture& architecture) {
    const bool is_yarn = rope_.at("rope_type") == "yarn";
    const bool idle = !is_yarn || architecture.gguf_yarn_keys;
    only("rope.scaling.yarn_beta_fast", idle, 32);
    only("rope.scaling.yarn_beta_slow", idle, 1);
    only("rope.scaling.yarn_log_multiplier", idle, 0);
    // llama.cpp takes no such factor from a file of these architectures.
    only("rope.scaling.yarn_attn_factor", !is_yarn, yarn_attention(rope_));
  }

  void query_scale(const Architecture& architecture) {
    only("attention.temperature_scale", architecture.block.query_position_scale, 0);
    const double length = rope_.value("original_max_position_embeddings", 0.0);
    check("attention.temperature_length", {length});
  }

  void sections() {
    constexpr std::string_view kKey = "rope.dimension_sections";
    checked_.push_back(kKey);
    if (!keys_.has(kKey)) return;
    const auto sections = keys_.file().integers(keys_.full(kKey));
    if (std::ranges::all_of(*sections, [](int64_t size) { return size == 0; })) return;
    fail(
        "{}: expected the key to be absent, found it: positions with several axes are not "
        "supported",
        keys_.where(kKey));
  }

  const GgufKeys& keys_;
  const json& config_;
  json rope_;
  std::vector<std::string_view> checked_;
};

bool is_idle(std::string_view key) {
  return contains(kIdle, key) || std::ranges::any_of(kIdleBeginnings, [&](std::string_view start) {
           return key.starts_with(start);
         });
}

}  // namespace

void refuse_other_keys(const GgufKeys& keys, const Architecture& architecture, const json& config) {
  for (const auto& [key, value, same] : kNeutral) {
    value == same ? keys.refuse_unless(key, {value}) : keys.refuse_unless(key, {value, same});
  }
  const DerivedKeys derived(keys, architecture, config);
  for (const auto& [name, value] : keys.file().metadata()) {
    if (!name.starts_with(keys.prefix())) continue;
    const std::string_view key = std::string_view(name).substr(keys.prefix().size());
    const bool neutral = std::ranges::find(kNeutral, key, &NeutralKey::key) != std::end(kNeutral);
    if (neutral || contains(kRead, key) || derived.checked(key) || is_idle(key)) continue;
    if (!speaks_of_the_computation(key)) continue;
    fail(
        "{}: expected no such key, found {}: llama.cpp reads none of this name for {}, so its "
        "meaning is not known; convert the model with llama.cpp's convert_hf_to_gguf.py",
        keys.where(key), keys.shown(key), architecture.gguf_arch);
  }
}

}  // namespace qk
