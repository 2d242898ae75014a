// Memory that the program asks for, and what there is of it.
#pragma once

#include <cstdint>

#include "torch/device.h"

namespace qk_torch {

// Zeros, 64-byte aligned; host: pinned memory of the host.
void* alloc(QkDevice& device, bool host, int64_t bytes);
void free(QkDevice& device, void* data);
// Both 0 on the cpu: not known.
void memory(const QkDevice& device, int64_t& free_bytes, int64_t& total_bytes);

int64_t kv_bytes(int32_t type, int64_t tokens, int64_t num_heads, int64_t head_dim);
int64_t scratch_bytes(const QkDevice& device, const QkScratch& shape);

}  // namespace qk_torch
