// One copy of this file is compiled for every SIMD target; widen_row picks one at run time.
#include <bit>
#include <cstring>

#include "base/error.h"
#include "kernels/widen.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/widen_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that a vector never crosses from low nibbles to high ones.
using F = hn::CappedTag<float, 16>;
using I = hn::RebindToSigned<F>;
using VecF = hn::Vec<F>;
using VecI = hn::Vec<I>;

HWY_INLINE uint16_t load16(const uint8_t* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return bits;
}

HWY_INLINE float half_at(const uint8_t* p) {
  const uint32_t bits = load16(p);
  const uint32_t sign = (bits & 0x8000) << 16;
  const uint32_t size = bits & 0x7FFF;
  uint32_t wide = (size << 13) + (112U << 23);
  if (size >= 0x7C00) wide += 112U << 23;
  if (size < 0x0400) wide = std::bit_cast<uint32_t>(static_cast<float>(size) * 0x1p-24F);
  return std::bit_cast<float>(sign | wide);
}

// [lanes] unsigned bytes as integers.
HWY_INLINE VecI load_bytes(const uint8_t* p) {
  return hn::PromoteTo(I(), hn::LoadU(hn::Rebind<uint8_t, F>(), p));
}

// [lanes] 16-bit numbers as integers, zero-extended, from any alignment.
HWY_INLINE VecI load_words(const uint8_t* p) {
#if HWY_TARGET == HWY_SCALAR  // has no vector of two bytes
  return hn::Set(I(), load16(p));
#else
  const hn::Rebind<uint16_t, F> d16;
  const hn::Repartition<uint8_t, decltype(d16)> d8;
  return hn::PromoteTo(I(), hn::BitCast(d16, hn::LoadU(d8, p)));
#endif
}

// d * n
HWY_INLINE void store(VecF d, VecI n, float* out) {
  hn::StoreU(hn::Mul(d, hn::ConvertTo(F(), n)), F(), out);
}

// Integer arithmetic and exact conversions only: the same bits on targets with and without F16C,
// and subnormal halves cost nothing.
void widen_f16(const uint8_t* p, size_t count, float* out) {
  const I di;
  const size_t N = hn::Lanes(F());
  size_t i = 0;
  for (; i + N <= count; i += N) {
    const VecI bits = load_words(p + 2 * i);
    const VecI size = hn::And(bits, hn::Set(di, 0x7FFF));
    const VecI sign = hn::ShiftLeft<16>(hn::Xor(bits, size));
    const VecI rebias = hn::Set(di, 112 << 23);
    VecI wide = hn::Add(hn::ShiftLeft<13>(size), rebias);
    wide = hn::Add(wide, hn::IfThenElseZero(hn::Gt(size, hn::Set(di, 0x7BFF)), rebias));
    const VecF tiny = hn::Mul(hn::ConvertTo(F(), size), hn::Set(F(), 0x1p-24F));
    wide = hn::IfThenElse(hn::Lt(size, hn::Set(di, 0x0400)), hn::BitCast(di, tiny), wide);
    hn::StoreU(hn::BitCast(F(), hn::Or(sign, wide)), F(), out + i);
  }
  for (; i < count; ++i) out[i] = half_at(p + 2 * i);
}

void widen_bf16(const uint8_t* p, size_t count, float* out) {
  const size_t N = hn::Lanes(F());
  size_t i = 0;
  for (; i + N <= count; i += N) {
    hn::StoreU(hn::BitCast(F(), hn::ShiftLeft<16>(load_words(p + 2 * i))), F(), out + i);
  }
  for (; i < count; ++i) {
    out[i] = std::bit_cast<float>(static_cast<uint32_t>(load16(p + 2 * i)) << 16);
  }
}

HWY_INLINE void widen_q8_0(const uint8_t* block, float* out) {
  const hn::Rebind<int8_t, F> d8;
  const VecF d = hn::Set(F(), half_at(block));
  const auto* q = reinterpret_cast<const int8_t*>(block + 2);
  for (size_t j = 0; j < 32; j += hn::Lanes(F())) {
    store(d, hn::PromoteTo(I(), hn::LoadU(d8, q + j)), out + j);
  }
}

HWY_ALIGN constexpr int32_t kFifthBit[32] = {
    1 << 0,  1 << 1,  1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
    1 << 8,  1 << 9,  1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15,
    1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23,
    1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30, INT32_MIN};

// 16 in lane i where bit j + i of `bits` is set, else 0.
HWY_INLINE VecI fifth_bits(VecI bits, size_t j) {
  return hn::IfThenElseZero(hn::TestBit(bits, hn::Load(I(), kFifthBit + j)), hn::Set(I(), 16));
}

// Q4_0 <8, false, false>, Q4_1 <0, true, false>, Q5_0 <16, false, true>, Q5_1 <0, true, true>.
template <int kBias, bool kHasMin, bool kHasFifth>
HWY_INLINE void widen_nibbles(const uint8_t* block, float* out) {
  const I di;
  const VecF d = hn::Set(F(), half_at(block));
  const VecF m = hn::Set(F(), kHasMin ? half_at(block + 2) : 0.0F);
  const uint8_t* q = block + (kHasMin ? 4 : 2);
  VecI fifths = hn::Zero(di);
  if constexpr (kHasFifth) {
    int32_t bits;
    std::memcpy(&bits, q, sizeof bits);
    fifths = hn::Set(di, bits);
    q += 4;
  }
  for (size_t j = 0; j < 16; j += hn::Lanes(F())) {
    const VecI packed = load_bytes(q + j);
    VecI low = hn::And(packed, hn::Set(di, 15));
    VecI high = hn::ShiftRight<4>(packed);
    if constexpr (kHasFifth) {
      low = hn::Or(low, fifth_bits(fifths, j));
      high = hn::Or(high, fifth_bits(fifths, j + 16));
    }
    if constexpr (kHasMin) {
      hn::StoreU(hn::Add(hn::Mul(d, hn::ConvertTo(F(), low)), m), F(), out + j);
      hn::StoreU(hn::Add(hn::Mul(d, hn::ConvertTo(F(), high)), m), F(), out + j + 16);
    } else {
      store(d, hn::Sub(low, hn::Set(di, kBias)), out + j);
      store(d, hn::Sub(high, hn::Set(di, kBias)), out + j + 16);
    }
  }
}

// The 8 scales and 8 minima of Q4_K and Q5_K, six bits each.
HWY_INLINE void unpack_scales(const uint8_t* s, int* scales, int* mins) {
  for (int b = 0; b < 4; ++b) {
    scales[b] = s[b] & 63;
    mins[b] = s[b + 4] & 63;
    scales[b + 4] = (s[b + 8] & 15) | s[b] >> 6 << 4;
    mins[b + 4] = s[b + 8] >> 4 | s[b + 4] >> 6 << 4;
  }
}

template <bool kHasFifth>
HWY_INLINE void widen_k(const uint8_t* block, float* out) {
  const I di;
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  int scales[8];
  int mins[8];
  unpack_scales(block + 4, scales, mins);
  const uint8_t* fifths = block + 16;
  const uint8_t* q = block + (kHasFifth ? 48 : 16);
  for (size_t b = 0; b < 8; ++b) {
    const VecF scale = hn::Set(F(), d * static_cast<float>(scales[b]));
    const VecF min = hn::Set(F(), dmin * static_cast<float>(mins[b]));
    for (size_t l = 0; l < 32; l += hn::Lanes(F())) {
      const VecI packed = load_bytes(q + 32 * (b / 2) + l);
      VecI n = b % 2 == 0 ? hn::And(packed, hn::Set(di, 15)) : hn::ShiftRight<4>(packed);
      if constexpr (kHasFifth) {
        const auto mask = hn::TestBit(load_bytes(fifths + l), hn::Set(di, 1 << b));
        n = hn::Or(n, hn::IfThenElseZero(mask, hn::Set(di, 16)));
      }
      hn::StoreU(hn::Sub(hn::Mul(scale, hn::ConvertTo(F(), n)), min), F(), out + 32 * b + l);
    }
  }
}

HWY_INLINE void widen_q6_k(const uint8_t* block, float* out) {
  const I di;
  const VecI low_mask = hn::Set(di, 15);
  const VecI high_mask = hn::Set(di, 0x30);
  const VecI bias = hn::Set(di, 32);
  const float d = half_at(block + 208);
  for (size_t half = 0; half < 2; ++half, out += 128) {
    const uint8_t* ql = block + 64 * half;
    const uint8_t* qh = block + 128 + 32 * half;
    const auto* scales = reinterpret_cast<const int8_t*>(block + 192 + 8 * half);
    for (size_t l = 0; l < 32; l += hn::Lanes(F())) {
      const VecI a = load_bytes(ql + l);
      const VecI b = load_bytes(ql + 32 + l);
      const VecI h = load_bytes(qh + l);
      const VecI n[4] = {
          hn::Or(hn::And(a, low_mask), hn::And(hn::ShiftLeft<4>(h), high_mask)),
          hn::Or(hn::And(b, low_mask), hn::And(hn::ShiftLeft<2>(h), high_mask)),
          hn::Or(hn::ShiftRight<4>(a), hn::And(h, high_mask)),
          hn::Or(hn::ShiftRight<4>(b), hn::And(hn::ShiftRight<2>(h), high_mask)),
      };
      const size_t half_group = l / 16;
      for (size_t g = 0; g < 4; ++g) {
        const float scale = d * static_cast<float>(scales[2 * g + half_group]);
        store(hn::Set(F(), scale), hn::Sub(n[g], bias), out + 32 * g + l);
      }
    }
  }
}

using WidenBlock = void (*)(const uint8_t* block, float* out);

template <int kBytes, int kElements, WidenBlock kWiden>
void widen_blocks(const uint8_t* block, size_t count, float* out) {
  for (size_t i = 0; i < count; i += kElements, block += kBytes) kWiden(block, out + i);
}

// `block` is where the first element asked for is.
void widen_from(DType dtype, const uint8_t* block, size_t count, float* out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, block, count * sizeof(float));
      return;
    case DType::kF16:
      return widen_f16(block, count, out);
    case DType::kBF16:
      return widen_bf16(block, count, out);
    case DType::kQ8_0:
      return widen_blocks<34, 32, widen_q8_0>(block, count, out);
    case DType::kQ4_0:
      return widen_blocks<18, 32, widen_nibbles<8, false, false>>(block, count, out);
    case DType::kQ4_1:
      return widen_blocks<20, 32, widen_nibbles<0, true, false>>(block, count, out);
    case DType::kQ5_0:
      return widen_blocks<22, 32, widen_nibbles<16, false, true>>(block, count, out);
    case DType::kQ5_1:
      return widen_blocks<24, 32, widen_nibbles<0, true, true>>(block, count, out);
    case DType::kQ4_K:
      return widen_blocks<144, 256, widen_k<false>>(block, count, out);
    case DType::kQ5_K:
      return widen_blocks<176, 256, widen_k<true>>(block, count, out);
    case DType::kQ6_K:
      return widen_blocks<210, 256, widen_q6_k>(block, count, out);
  }
}

}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {

HWY_EXPORT(widen_from);

void widen_row(DType dtype, const std::byte* row, int64_t begin, int64_t count, float* out) {
  const DTypeInfo& type = info(dtype);
  QK_CHECK(begin >= 0 && begin % type.block_elements == 0);
  QK_CHECK(count >= 0 && count % type.block_elements == 0);
  if (count == 0) return;
  const auto* block = reinterpret_cast<const uint8_t*>(row + row_bytes(dtype, begin));
  HWY_DYNAMIC_DISPATCH(widen_from)(dtype, block, static_cast<size_t>(count), out);
}

}  // namespace qk
#endif  // HWY_ONCE
