#include "model/weight_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace qk {
namespace {

std::array<const WeightMatrix*, 7> matrices(const Model& model, int layer) {
  const LayerWeights& w = model.layers[static_cast<size_t>(layer)];
  return {&w.q_proj, &w.k_proj, &w.v_proj, &w.o_proj, &w.gate_proj, &w.up_proj, &w.down_proj};
}

int64_t weight_bytes(const WeightMatrix& weight) { return weight.rows * weight.stride_bytes; }

// Tensors are mapped files: whole pages around them belong to the mapping.
void advise(const WeightMatrix& weight, int advice) {
  if (weight.data == nullptr) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto before = static_cast<int64_t>(reinterpret_cast<uintptr_t>(weight.data) % page);
  ::madvise(const_cast<std::byte*>(weight.data) - before,
            static_cast<size_t>(before + weight_bytes(weight)), advice);
}

}  // namespace

int64_t layer_weight_bytes(const Model& model, int layer) {
  int64_t bytes = 0;
  for (const WeightMatrix* weight : matrices(model, layer)) {
    if (weight->data != nullptr) bytes += weight_bytes(*weight);
  }
  return bytes;
}

void drop_layer_weights(const Model& model, int layer) {
  for (const WeightMatrix* weight : matrices(model, layer)) advise(*weight, MADV_DONTNEED);
}

void drop_embedding(const Model& model) { advise(model.embedding, MADV_DONTNEED); }

void prefetch_layer_weights(const Model& model, int layer) {
  for (const WeightMatrix* weight : matrices(model, layer)) advise(*weight, MADV_WILLNEED);
}

int64_t embedding_piece_bytes(const Model& model) {
  constexpr int64_t kAround = 65536;
  const int64_t row = weight_bytes(model.embedding) / std::max<int64_t>(model.embedding.rows, 1);
  return std::min(weight_bytes(model.embedding), kEmbeddingPiece * (kAround + row));
}

}  // namespace qk
