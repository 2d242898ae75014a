// The tensor types of ggml, by the number that GGUF files give them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/dtype.h"

namespace qk {

struct GgufTensorType {
  uint32_t id;
  std::string_view name;  // ggml's spelling
  uint32_t block_elements;
  uint32_t block_bytes;
  std::optional<DType> dtype;  // empty: a type that we do not compute with
};

// Null for numbers that ggml never gave or has retired.
const GgufTensorType* gguf_tensor_type(uint32_t id);

}  // namespace qk
