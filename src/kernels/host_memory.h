// Context and memory of the backends that compute on the host, where both kinds of memory are the
// same.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace qk {

std::unique_ptr<Context> make_host_context(const Backend& self, ThreadPool& pool);

// Zeros, 64-byte aligned; null for no bytes. Throws Error if there is not that much memory.
void* alloc_host(Context& context, Memory kind, int64_t bytes);
// `data` may be null.
void free_host(Context& context, void* data);

}  // namespace qk
