#include "kernels/host_memory.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace qk {

std::unique_ptr<Context> make_host_context(const Backend& /*self*/, ThreadPool& pool) {
  return std::make_unique<Context>(pool);
}

void* alloc_host(Context& /*context*/, Memory /*kind*/, int64_t bytes) {
  constexpr size_t kAlignment = 64;
  if (bytes == 0) return nullptr;
  const size_t rounded = (static_cast<size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
  void* data = std::aligned_alloc(kAlignment, rounded);
  if (data == nullptr) {
    fail("memory: expected {} MiB for activations, found less (use a smaller batch)",
         rounded / (size_t{1} << 20));
  }
  std::memset(data, 0, rounded);
  return data;
}

void free_host(Context& /*context*/, void* data) { std::free(data); }

}  // namespace qk
