#include "kernels/mapped_weight.h"

#include <sys/mman.h>
#include <unistd.h>

namespace qk {
namespace {

// Tensors are mapped files: whole pages around them belong to the mapping.
void advise(const WeightMatrix& weight, int advice) {
  if (weight.data == nullptr) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto before = static_cast<int64_t>(reinterpret_cast<uintptr_t>(weight.data) % page);
  ::madvise(const_cast<std::byte*>(weight.data) - before,
            static_cast<size_t>(before + weight.rows * weight.stride_bytes), advice);
}

void advise_all(std::span<const BoundMatrix> weights, int advice) {
  for (const BoundMatrix& weight : weights) {
    if (!weight.absent()) advise(mapped(weight), advice);
  }
}

}  // namespace

BoundMatrix bind_mapped_weight(Context& /*context*/, const WeightMatrix& weight) {
  return {&weight, weight.rows, weight.cols};
}

BoundVector bind_mapped_vector(Context& /*context*/, std::span<const float> vector) {
  return {vector.data(), static_cast<int64_t>(vector.size())};
}

void prefetch_mapped_weights(Context& /*context*/, std::span<const BoundMatrix> weights) {
  advise_all(weights, MADV_WILLNEED);
}

void drop_mapped_weights(Context& /*context*/, std::span<const BoundMatrix> weights) {
  advise_all(weights, MADV_DONTNEED);
}

void drop_pages(const WeightMatrix& weight) { advise(weight, MADV_DONTNEED); }

}  // namespace qk
