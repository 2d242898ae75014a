// How numbers are stored in model files: plain types and GGUF blocks (values:
// kernels/widen.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace qk {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ4_K,
  kQ5_K,
  kQ6_K,
};

struct DTypeInfo {
  std::string_view name;
  int block_elements;  // elements that share one block; 1 for plain types
  int block_bytes;
};

const DTypeInfo& info(DType dtype);

// Bytes of a row of `elements` numbers. REQUIRES: elements is a multiple of block_elements.
int64_t row_bytes(DType dtype, int64_t elements);

}  // namespace qk
