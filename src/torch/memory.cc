#include "torch/memory.h"

#include <ATen/ops/zeros.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <string>

#include "torch/attention.h"
#include "torch/errors.h"
#include "torch/gpu_library.h"

namespace qk_torch {
namespace {

// cuBLAS, cuBLASLt and cuDNN keep workspaces of their own.
constexpr int64_t kGpuWorkspace = int64_t{192} << 20;
// Of a block of rows that comes from the host: as stored, widened or rounded, and scaled.
constexpr int64_t kMostStagedCopies = 4;

// What torch's cache of device memory holds and no tensor uses.
int64_t unused_in_cache(const QkDevice& device) {
  auto* allocator = c10::getDeviceAllocator(device.device.type());
  const auto stats = allocator->getDeviceStats(device.device.index());
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return stats.reserved_bytes[kAll].current - stats.allocated_bytes[kAll].current;
}

}  // namespace

void* alloc(QkDevice& device, bool host, int64_t bytes) {
  if (bytes <= 0) throw Failure("asked for " + std::to_string(bytes) + " bytes of memory");
  auto options = at::TensorOptions().dtype(c10::ScalarType::Byte);
  options = host ? options.pinned_memory(!device.on_host()) : options.device(device.device);
  at::Tensor block = at::zeros({bytes}, options);
  void* data = block.mutable_data_ptr();
  device.blocks.emplace(data, block);
  return data;
}

void free(QkDevice& device, void* data) {
  const auto found = device.blocks.find(data);
  if (found == device.blocks.end()) return;
  if (!device.on_host() && found->second.is_cpu()) event_now(device);  // pinned: see there
  device.blocks.erase(found);
}

void memory(const QkDevice& device, int64_t& free_bytes, int64_t& total_bytes) {
  free_bytes = total_bytes = 0;
  if (device.on_host()) return;
  size_t free_now = 0, total = 0;
  if (!gpu_memory(&free_now, &total)) throw Failure("the GPU does not say how much memory it has");
  total_bytes = static_cast<int64_t>(total);
  free_bytes = std::min(total_bytes, static_cast<int64_t>(free_now) + unused_in_cache(device));
}

int64_t kv_bytes(int32_t type, int64_t tokens, int64_t num_heads, int64_t head_dim) {
  return 2 * cache_part_bytes(scalar_type(type), tokens, num_heads, head_dim);
}

int64_t scratch_bytes(const QkDevice& device, const QkScratch& shape) {
  const auto element = static_cast<int64_t>(c10::elementSize(device.type));
  const int64_t numbers = shape.rows * shape.width;
  const int64_t heads = shape.num_attention_heads * shape.head_dim;
  // Two float32 and two rounded copies in a norm; a product of two neighbouring jobs; five rotated
  // copies of the queries.
  const int64_t row_operations =
      std::max(numbers * (8 + 2 * element), shape.rows * heads * 5 * element);
  return std::max(row_operations, attention_scratch_bytes(device.facts, shape)) +
         (device.on_host() ? 0 : kGpuWorkspace + kMostStagedCopies * QK_STAGING_BYTES);
}

}  // namespace qk_torch
