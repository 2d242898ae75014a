// float32 from the 16 bits of narrower floats; exact.
#pragma once

#include <bit>
#include <cstdint>

namespace qk {

inline float from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t magnitude = bits & 0x7FFFU;
  if (magnitude >= 0x7C00U) {  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7F800000U | (magnitude & 0x3FFU) << 13);
  }
  const auto scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;  // denormals too
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}

inline float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

}  // namespace qk
