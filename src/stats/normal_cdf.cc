#include "stats/normal_cdf.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "base/simd_targets.h"

// Phi is expanded around the nearest multiple of 1/64: the value and the density there come from a
// table, the derivatives are the density times Hermite polynomials. At most 1/128 away the seventh
// term is below 3e-18.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/normal_cdf.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<double>;
using Vec = hn::Vec<Tag>;

constexpr double kEnd = 38.5;
constexpr double kSteps = 64;         // per unit
constexpr double kRound = 0x1.8p+52;  // x + kRound holds x, rounded to an integer, in its low bits

// `table` points to the entry of 0: value and density at each multiple of 1 / kSteps.
HWY_INLINE Vec cdf_of(Tag d, Vec unbounded, const double* table) {
  const hn::RebindToSigned<Tag> integers;
  const Vec x = hn::Min(hn::Max(unbounded, hn::Set(d, -kEnd)), hn::Set(d, kEnd));
  const Vec round = hn::Set(d, kRound);
  const Vec shifted = hn::MulAdd(x, hn::Set(d, kSteps), round);
  const auto step = hn::Sub(hn::BitCast(integers, shifted), hn::BitCast(integers, round));
  const Vec center = hn::Mul(hn::Sub(shifted, round), hn::Set(d, 1 / kSteps));
  const auto index = hn::Add(step, step);
  const Vec value = hn::GatherIndex(d, table, index);
  const Vec density = hn::GatherIndex(d, table + 1, index);
  const Vec h = hn::Sub(x, center);
  const Vec he2 = hn::MulSub(center, center, hn::Set(d, 1));
  const Vec he3 = hn::Mul(center, hn::Sub(he2, hn::Set(d, 2)));
  const Vec he4 = hn::MulSub(center, he3, hn::Mul(hn::Set(d, 3), he2));
  const Vec he5 = hn::MulSub(center, he4, hn::Mul(hn::Set(d, 4), he3));
  Vec sum = hn::Mul(he5, hn::Set(d, -1.0 / 720));
  sum = hn::MulAdd(sum, h, hn::Mul(he4, hn::Set(d, 1.0 / 120)));
  sum = hn::MulAdd(sum, h, hn::Mul(he3, hn::Set(d, -1.0 / 24)));
  sum = hn::MulAdd(sum, h, hn::Mul(he2, hn::Set(d, 1.0 / 6)));
  sum = hn::MulAdd(sum, h, hn::Mul(center, hn::Set(d, -0.5)));
  sum = hn::MulAdd(sum, h, hn::Set(d, 1));
  return hn::MulAdd(hn::Mul(density, h), sum, value);
}

void cdf_of_many(const double* x, size_t count, double scale, const double* table, double* out) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  const Vec factor = hn::Set(d, scale);
  size_t i = 0;
  for (; i + N <= count; i += N) {
    hn::StoreU(cdf_of(d, hn::Mul(hn::LoadU(d, x + i), factor), table), d, out + i);
  }
  if (i == count) return;
  HWY_ALIGN double rest[HWY_MAX_BYTES / sizeof(double)] = {};
  for (size_t k = 0; i + k < count; ++k) rest[k] = x[i + k] * scale;
  hn::Store(cdf_of(d, hn::Load(d, rest), table), d, rest);
  for (size_t k = 0; i + k < count; ++k) out[i + k] = rest[k];
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
namespace {

constexpr int kTableEnd = 2464;  // 38.5 * 64

std::vector<double> make_table() {
  std::vector<double> table;
  for (int step = -kTableEnd; step <= kTableEnd; ++step) {
    const double x = step / 64.0;
    table.push_back(normal_cdf(x));
    table.push_back(std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  }
  return table;
}

}  // namespace

HWY_EXPORT(cdf_of_many);

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

void normal_cdf(std::span<const double> x, double scale, std::span<double> out) {
  QK_CHECK(x.size() == out.size());
  static const std::vector<double> table = make_table();
  HWY_DYNAMIC_DISPATCH(cdf_of_many)
  (x.data(), x.size(), scale, &table[2 * size_t{kTableEnd}], out.data());
}

}  // namespace qk
#endif  // HWY_ONCE
