#include "model/weight_pages.h"

#include <algorithm>

#include "kernels/mapped_weight.h"

namespace qk {
namespace {

int64_t weight_bytes(const WeightMatrix& weight) { return weight.rows * weight.stride_bytes; }

}  // namespace

int64_t layer_weight_bytes(const Model& model, int layer) {
  const LayerWeights& w = model.layers[static_cast<size_t>(layer)];
  int64_t bytes = 0;
  for (const WeightMatrix* weight :
       {&w.q_proj, &w.k_proj, &w.v_proj, &w.o_proj, &w.gate_proj, &w.up_proj, &w.down_proj}) {
    if (weight->data != nullptr) bytes += weight_bytes(*weight);
  }
  return bytes;
}

void drop_embedding(const Model& model) { drop_pages(model.embedding); }

int64_t embedding_piece_bytes(const Model& model) {
  constexpr int64_t kAround = 65536;
  const int64_t row = weight_bytes(model.embedding) / std::max<int64_t>(model.embedding.rows, 1);
  return std::min(weight_bytes(model.embedding), kEmbeddingPiece * (kAround + row));
}

}  // namespace qk
