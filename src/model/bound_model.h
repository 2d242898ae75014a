// A model on a backend: its weights as the backend holds them, each bound once. What forward()
// runs. Threads: one at a time.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "model/model.h"

namespace qk {

// LayerWeights, bound. What is absent there is absent here.
struct BoundLayer {
  BoundVector input_norm, post_attention_norm, pre_mlp_norm, post_mlp_norm, q_norm, k_norm;
  BoundMatrix q_proj, k_proj, v_proj, o_proj;
  BoundVector q_bias, k_bias, v_bias, o_bias;
  BoundMatrix gate_proj, up_proj, down_proj;
  BoundVector gate_bias, up_bias, down_bias;
  int64_t up_first_row = 0;  // of up_proj: a fused gate_up is one matrix, gate first

  std::array<BoundMatrix, 7> matrices() const {
    return {q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj};
  }
};

class BoundModel {
 public:
  // All three outlive it. Throws Error if the backend lacks an operation or cannot take the
  // weights.
  BoundModel(const Model& model, const Backend& backend, ThreadPool& pool);

  const Model& model() const { return model_; }
  const Backend& backend() const { return backend_; }
  Context& context() const { return *context_; }
  const BoundLayer& layer(int index) const { return layers_[static_cast<size_t>(index)]; }

 private:
  const Model& model_;
  const Backend& backend_;
  std::unique_ptr<Context> context_;
  std::vector<BoundLayer> layers_;  // [num_hidden_layers]
};

}  // namespace qk
