#include "capture/provenance.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "model/rope_frequencies.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

const char* type_name(RopeType type) {
  static constexpr std::array<const char*, 6> kNames = {"default", "linear", "dynamic",
                                                        "llama3",  "yarn",   "longrope"};
  return kNames.at(static_cast<size_t>(type));
}

// attention_factor and inv_freq are those of a short document; with dynamic and longrope longer
// documents have others. The original length of a type that has none is that of the model.
ordered_json rope_json(const RopeParameters& rope, int64_t max_position_embeddings) {
  const int64_t length = rope.original_max_position_embeddings > 0
                             ? rope.original_max_position_embeddings
                             : max_position_embeddings;
  const RopeFrequencies frequencies = rope_frequencies(rope, 1);
  ordered_json out = {
      {"type", type_name(rope.type)}, {"theta", rope.rope_theta}, {"rotary_dim", rope.rotary_dim}};
  if (rope.type != RopeType::kDefault) out["factor"] = rope.factor;
  if (length > 0) out["original_max_position_embeddings"] = length;
  out["attention_factor"] = frequencies.attention_factor;
  out["inv_freq"] = frequencies.values;
  return out;
}

ordered_json layer_json(const LayerPlan& layer, const LayerConfig& config, int64_t num_heads) {
  ordered_json out;
  out["attention"] = config.runs;
  out["window"] =
      config.sliding_window > 0 ? ordered_json(config.sliding_window) : ordered_json(nullptr);
  out["rope"] = config.rope_idx >= 0 ? ordered_json(config.rope_idx) : ordered_json(nullptr);
  out["captured"] = skip_name(layer.skip);
  if (layer.skip != Skip::kNone) return out;
  const auto heads = [&](const std::vector<int32_t>& list) {
    return static_cast<int64_t>(list.size()) == num_heads ? ordered_json("all")
                                                          : ordered_json(list);
  };
  out["query_heads"] = heads(layer.query_heads);
  out["key_heads"] = layer.key_heads;
  return out;
}

}  // namespace

std::string provenance_json(const SniffConfig& config, const RunIdentity& identity) {
  ordered_json out = {{"program", "qkscope"}, {"version", version()}};
  out["commit"] = build_commit().empty() ? ordered_json(nullptr) : ordered_json(build_commit());
  ordered_json files = ordered_json::array();
  for (const IdentifiedFile& file : identity.model_files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const auto revision = config.model.revision;
  out["model"] = {{"name", config.model.name},
                  {"revision", revision ? ordered_json(*revision) : ordered_json(nullptr)},
                  {"files", std::move(files)}};
  out["tokenizer"] = {{"name", config.tokenizer.name.value_or(config.model.name)},
                      {"sha256", identity.tokenizer_sha256}};
  out["corpus"] = {{"path", config.dataset.path},
                   {"files", identity.num_corpus_files},
                   {"sha256", identity.corpus_sha256}};
  out["computed_in"] = torch_name(identity.computed_in.dtype);
  if (identity.computed_in.on_torch()) {
    out["device"] = ordered_json::parse(identity.computed_in.device);
  }
  const auto& sampling = config.capture.head_sampling;
  out["seed"] = sampling ? ordered_json(sampling->seed) : ordered_json(nullptr);
  out["config"] = ordered_json::parse(config_json(config));
  if (!identity.certificate.empty()) {
    out["certificate"] = ordered_json::parse(identity.certificate);
  }
  return dump(out);
}

std::string geometry_json(const CapturePlan& plan, const ModelConfig& model,
                          const Architecture& architecture) {
  ordered_json out = {
      {"architecture", model.architecture},
      {"model_type", model.model_type},
      {"num_hidden_layers", model.num_hidden_layers},
      {"hidden_size", model.hidden_size},
      {"num_attention_heads", model.num_attention_heads},
      {"num_key_value_heads", model.num_key_value_heads},
      {"head_dim", model.head_dim},
      {"query_heads_per_key_head", model.num_attention_heads / model.num_key_value_heads},
      {"softmax_scale", model.softmax_scale},
      {"causal", model.causal},
      {"vector", plan.capture.rope == CaptureRope::kPre ? "pre_rope" : "post_rope"}};
  out["rope_layout"] = architecture.block.rope_layout == RopeLayout::kHalves ? "halves" : "pairs";
  out["rope"] = ordered_json::array();
  for (const RopeParameters& rope : model.rope)
    out["rope"].push_back(rope_json(rope, model.max_position_embeddings));
  out["layers"] = ordered_json::array();
  for (size_t layer = 0; layer < plan.layers.size(); ++layer) {
    out["layers"].push_back(
        layer_json(plan.layers[layer], model.layers[layer], model.num_attention_heads));
  }
  return dump(out);
}

}  // namespace qk
