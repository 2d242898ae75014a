#include "model/buffer.h"

namespace qk {

Buffer::Buffer(const Backend& backend, Context& context, int64_t bytes)
    : data_(backend.alloc(context, Memory::kDevice, bytes), FreeMemory{&backend, &context}),
      dtype_(backend.traits.dtype),
      bytes_(bytes) {}

HostBuffer::HostBuffer(const Backend& backend, Context& context, int64_t rows, int64_t heads,
                       int64_t head_dim)
    : data_(backend.alloc(context, Memory::kHost,
                          activation_bytes(rows * heads * head_dim, DType::kF32)),
            FreeMemory{&backend, &context}),
      rows_(rows),
      heads_(heads),
      head_dim_(head_dim) {}

}  // namespace qk
