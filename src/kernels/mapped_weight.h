// Weights of the backends that compute on the host: a handle is the address of the mapped view
// itself, so binding copies nothing. Pages of mapped files can be given back and read ahead.
#pragma once

#include <span>

#include "kernels/backend.h"

namespace qk {

// REQUIRES: what is bound outlives the handle.
BoundMatrix bind_mapped_weight(Context& context, const WeightMatrix& weight);
BoundVector bind_mapped_vector(Context& context, std::span<const float> vector);

// What was bound. REQUIRES: not absent.
inline const WeightMatrix& mapped(const BoundMatrix& weight) {
  return *static_cast<const WeightMatrix*>(weight.handle);
}
inline const float* mapped(const BoundVector& vector) {
  return static_cast<const float*>(vector.handle);
}

// Starts to read the pages of these matrices, which will be needed soon; absent ones are skipped.
void prefetch_mapped_weights(Context& context, std::span<const BoundMatrix> weights);
// Gives their pages back; they are read again when they are used again.
void drop_mapped_weights(Context& context, std::span<const BoundMatrix> weights);
void drop_pages(const WeightMatrix& weight);

}  // namespace qk
