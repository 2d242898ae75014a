#include "model/buffer.h"

namespace qk {

Buffer::Buffer(const Backend& backend, Context& context, int64_t bytes, Memory kind)
    : data_(backend.alloc(context, kind, bytes), FreeMemory{&backend, &context}), bytes_(bytes) {}

}  // namespace qk
