// exp, 2^x and erf on vectors: multiply-adds and integer shifts only, so the same bits on every
// target with fused multiply-add. The polynomials are minimax fits of our own.
#if defined(QK_KERNELS_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QK_KERNELS_SIMD_MATH_INL_H_
#undef QK_KERNELS_SIMD_MATH_INL_H_
#else
#define QK_KERNELS_SIMD_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adding it to a float of size below 2^22 rounds that to an integer, which is then in the low
// bits of the sum.
constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23

// y * 2^n, n the integer in the low bits of `shifted`. REQUIRES: a normal result.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V times_power_of_two(D d, V y, V shifted) {
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, y), exponent));
}

// 2^f for f in [-1/2, 1/2]; exactly 1 at 0. Error <= 1.3 ulp.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_of_fraction(D d, V f) {
  V p = hn::Set(d, 0x1.5bba14p-10F);
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.3cea88p-7F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.c6b752p-5F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.ebf9bcp-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.62e42ap-1F));
  return hn::MulAdd(p, f, hn::Set(d, 1.0F));
}

// 2^(x - base) for an integer base and x <= base + 1/2; exactly 0 where x < base - 126.
// REQUIRES: |base| <= 2^22.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_from_base(D d, V x, V base) {
  const V magic = hn::Sub(hn::Set(d, kRoundToInteger), base);
  const V shifted = hn::Add(x, magic);
  const V p = exp2_of_fraction(d, hn::Sub(x, hn::Sub(shifted, magic)));
  const auto normal = hn::Ge(x, hn::Sub(base, hn::Set(d, 126.0F)));
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86  // one instruction; the compiler would emit two
  return V{_mm512_castsi512_ps(
      _mm512_maskz_add_epi32(normal.raw, hn::BitCast(di, p).raw, exponent.raw))};
#else
  return hn::IfThenElseZero(normal, hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent)));
#endif
}

// e^x for x in [-87, 88]; x outside is taken as the nearer end. Error <= 1.5 ulp.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_clamped(D d, V x) {
  const V magic = hn::Set(d, kRoundToInteger);
  const V y = hn::Min(hn::Max(x, hn::Set(d, -87.0F)), hn::Set(d, 88.0F));
  const V shifted = hn::MulAdd(y, hn::Set(d, 0x1.715476p+0F), magic);  // y / ln 2
  const V n = hn::Sub(shifted, magic);
  V f = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1F), y);  // ln 2 in two parts
  f = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20F), f);
  V p = hn::Set(d, 0x1.6ae73p-10F);
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.126782p-7F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.555822p-5F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.55541ap-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.fffffcp-2F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  return times_power_of_two(d, p, shifted);
}

// erf(x), absolute error <= 1e-7.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V error_function(D d, V x) {
  const V size = hn::Min(hn::Abs(x), hn::Set(d, 4.0F));  // erf(4) rounds to 1
  const V s = hn::Mul(size, size);
  V small = hn::Set(d, 0x1.4ae4dp-14F);
  small = hn::MulAdd(small, s, hn::Set(d, -0x1.a485ecp-11F));
  small = hn::MulAdd(small, s, hn::Set(d, 0x1.5419f6p-8F));
  small = hn::MulAdd(small, s, hn::Set(d, -0x1.b7fbb4p-6F));
  small = hn::MulAdd(small, s, hn::Set(d, 0x1.ce2d2p-4F));
  small = hn::MulAdd(small, s, hn::Set(d, -0x1.81273ep-2F));
  small = hn::MulAdd(small, s, hn::Set(d, 0x1.20dd74p+0F));
  small = hn::Mul(small, size);
  V bits = hn::Set(d, -0x1.18bb6cp-12F);  // -log2(1 - erf)
  bits = hn::MulAdd(bits, size, hn::Set(d, 0x1.15ef8p-8F));
  bits = hn::MulAdd(bits, size, hn::Set(d, -0x1.01b52p-5F));
  bits = hn::MulAdd(bits, size, hn::Set(d, 0x1.307036p-3F));
  bits = hn::MulAdd(bits, size, hn::Set(d, 0x1.d76e82p-1F));
  bits = hn::MulAdd(bits, size, hn::Set(d, 0x1.a03fe8p+0F));
  bits = hn::MulAdd(bits, size, hn::Set(d, 0x1.0b8be8p-11F));
  const V large = hn::Sub(hn::Set(d, 1.0F), exp2_from_base(d, hn::Neg(bits), hn::Zero(d)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(size, hn::Set(d, 1.0F)), small, large), x);
}

}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
