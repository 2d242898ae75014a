#include "model/bound_model.h"

namespace qk {
namespace {

std::unique_ptr<Context> make_context(const Backend& backend, ThreadPool& pool) {
  check_complete(backend);
  return backend.make_context(backend, pool);
}

BoundLayer bind_layer(const Backend& backend, Context& context, const LayerWeights& weights) {
  const bool fused = weights.gate_up_proj.data != nullptr;
  const auto matrix = [&](const WeightMatrix& weight) {
    return weight.data == nullptr ? BoundMatrix{} : backend.bind_weight(context, weight);
  };
  const auto vector = [&](const std::vector<float>& weight) {
    return weight.empty() ? BoundVector{} : backend.bind_vector(context, weight);
  };
  const BoundMatrix gate_up = matrix(weights.gate_up_proj);
  return {
      .input_norm = vector(weights.input_norm),
      .post_attention_norm = vector(weights.post_attention_norm),
      .pre_mlp_norm = vector(weights.pre_mlp_norm),
      .post_mlp_norm = vector(weights.post_mlp_norm),
      .q_norm = vector(weights.q_norm),
      .k_norm = vector(weights.k_norm),
      .q_proj = matrix(weights.q_proj),
      .k_proj = matrix(weights.k_proj),
      .v_proj = matrix(weights.v_proj),
      .o_proj = matrix(weights.o_proj),
      .q_bias = vector(weights.q_bias),
      .k_bias = vector(weights.k_bias),
      .v_bias = vector(weights.v_bias),
      .o_bias = vector(weights.o_bias),
      .gate_proj = fused ? gate_up : matrix(weights.gate_proj),
      .up_proj = fused ? gate_up : matrix(weights.up_proj),
      .down_proj = matrix(weights.down_proj),
      .gate_bias = vector(weights.gate_bias),
      .up_bias = vector(weights.up_bias),
      .down_bias = vector(weights.down_bias),
      .up_first_row = fused ? weights.gate_proj.rows : 0,
  };
}

}  // namespace

BoundModel::BoundModel(const Model& model, const Backend& backend, ThreadPool& pool)
    : model_(model), backend_(backend), context_(make_context(backend, pool)) {
  for (const LayerWeights& weights : model.layers) {
    layers_.push_back(bind_layer(backend_, *context_, weights));
  }
}

}  // namespace qk
