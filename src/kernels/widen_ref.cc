#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "kernels/widen.h"

namespace qk {
namespace {

uint8_t byte_at(const std::byte* p, int64_t i) { return static_cast<uint8_t>(p[i]); }

template <typename T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

float half_at(const std::byte* p) {
  const auto bits = load<uint16_t>(p);
  const uint32_t sign = static_cast<uint32_t>(bits >> 15) << 31;
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7F800000U | static_cast<uint32_t>(fraction) << 13);
  }
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                   : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return sign != 0 ? -size : size;
}

float bfloat_at(const std::byte* p) {
  return std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(p)) << 16);
}

// Element j of 32 numbers of 4 bits: low nibbles first, then high ones.
int nibble_at(const std::byte* q, int j) {
  return j < 16 ? byte_at(q, j) & 15 : byte_at(q, j - 16) >> 4;
}

void widen_q8_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(static_cast<int8_t>(byte_at(block, 2 + j)));
  }
}

void widen_q4_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(nibble_at(block + 2, j) - 8);
}

void widen_q4_1(const std::byte* block, float* out) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(nibble_at(block + 4, j)) + m;
}

void widen_q5_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  const auto high = load<uint32_t>(block + 2);
  for (int j = 0; j < 32; ++j) {
    const int n = nibble_at(block + 6, j) + 16 * static_cast<int>(high >> j & 1);
    out[j] = d * static_cast<float>(n - 16);
  }
}

void widen_q5_1(const std::byte* block, float* out) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  const auto high = load<uint32_t>(block + 4);
  for (int j = 0; j < 32; ++j) {
    const int n = nibble_at(block + 8, j) + 16 * static_cast<int>(high >> j & 1);
    out[j] = d * static_cast<float>(n) + m;
  }
}

struct ScaleAndMin {
  int scale;
  int min;
};

// Sub-block b of eight: two 6-bit numbers out of 12 bytes.
ScaleAndMin scale_and_min(const std::byte* s, int b) {
  if (b < 4) return {byte_at(s, b) & 63, byte_at(s, b + 4) & 63};
  return {(byte_at(s, b + 4) & 15) + 16 * (byte_at(s, b - 4) >> 6),
          (byte_at(s, b + 4) >> 4) + 16 * (byte_at(s, b) >> 6)};
}

// Q4_K; Q5_K with the 32 bytes `high` of fifth bits (null for Q4_K).
void widen_k(const std::byte* block, const std::byte* high, const std::byte* q, float* out) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  for (int b = 0; b < 8; ++b) {
    const ScaleAndMin sub = scale_and_min(block + 4, b);
    const float scale = d * static_cast<float>(sub.scale);
    const float min = dmin * static_cast<float>(sub.min);
    for (int l = 0; l < 32; ++l) {
      const int packed = byte_at(q, 32 * (b / 2) + l);
      int n = b % 2 == 0 ? packed & 15 : packed >> 4;
      if (high != nullptr) n += 16 * (byte_at(high, l) >> b & 1);
      out[32 * b + l] = scale * static_cast<float>(n) - min;
    }
  }
}

void widen_q6_k(const std::byte* block, float* out) {
  const std::byte* ql = block;
  const std::byte* qh = block + 128;
  const std::byte* scales = block + 192;
  const float d = half_at(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;
    const int g = i / 32 % 4;
    const int l = i % 32;
    const int low = byte_at(ql, 64 * half + l + 32 * (g % 2)) >> 4 * (g / 2) & 15;
    const int high = byte_at(qh, 32 * half + l) >> 2 * g & 3;
    const auto scale = static_cast<int8_t>(byte_at(scales, 8 * half + 2 * g + l / 16));
    out[i] = d * static_cast<float>(scale) * static_cast<float>(low + 16 * high - 32);
  }
}

void widen_block_ref(DType dtype, const std::byte* block, float* out) {
  switch (dtype) {
    case DType::kF32:
      *out = load<float>(block);
      return;
    case DType::kF16:
      *out = half_at(block);
      return;
    case DType::kBF16:
      *out = bfloat_at(block);
      return;
    case DType::kQ8_0:
      return widen_q8_0(block, out);
    case DType::kQ4_0:
      return widen_q4_0(block, out);
    case DType::kQ4_1:
      return widen_q4_1(block, out);
    case DType::kQ5_0:
      return widen_q5_0(block, out);
    case DType::kQ5_1:
      return widen_q5_1(block, out);
    case DType::kQ4_K:
      return widen_k(block, nullptr, block + 16, out);
    case DType::kQ5_K:
      return widen_k(block, block + 16, block + 48, out);
    case DType::kQ6_K:
      return widen_q6_k(block, out);
  }
  QK_CHECK(!"a dtype");
}

}  // namespace

void widen_row_ref(DType dtype, const std::byte* row, int64_t begin, int64_t count, float* out) {
  const DTypeInfo& type = info(dtype);
  QK_CHECK(begin % type.block_elements == 0 && count % type.block_elements == 0);
  for (int64_t i = 0; i < count; i += type.block_elements) {
    widen_block_ref(dtype, row + row_bytes(dtype, begin + i), out + i);
  }
}

}  // namespace qk
