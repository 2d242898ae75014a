#include "heads/pair_kernels.h"

#include "base/error.h"
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "heads/pair_kernels.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<double>;
using Vec = hn::Vec<Tag>;

void subtract(const float* a, const float* b, size_t dim, double* out) {
  const Tag d;
  const hn::Rebind<float, Tag> narrow;
  const size_t N = hn::Lanes(d);
  size_t j = 0;
  for (; j + N <= dim; j += N) {
    const Vec x = hn::PromoteTo(d, hn::LoadU(narrow, a + j));
    const Vec y = hn::PromoteTo(d, hn::LoadU(narrow, b + j));
    hn::StoreU(hn::Sub(x, y), d, out + j);
  }
  for (; j < dim; ++j) out[j] = static_cast<double>(a[j]) - static_cast<double>(b[j]);
}

// One difference: mean . w and the variance.
void project_one(const double* w, size_t dim, const double* mean, const double* reflection,
                 const double* variance, double* out) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  Vec mean_sum = hn::Zero(d);
  Vec along_sum = hn::Zero(d);
  size_t j = 0;
  for (; j + N <= dim; j += N) {
    const Vec x = hn::LoadU(d, w + j);
    mean_sum = hn::MulAdd(x, hn::LoadU(d, mean + j), mean_sum);
    along_sum = hn::MulAdd(x, hn::LoadU(d, reflection + j), along_sum);
  }
  double product = hn::GetLane(hn::SumOfLanes(d, mean_sum));
  double along = hn::GetLane(hn::SumOfLanes(d, along_sum));
  for (; j < dim; ++j) {
    product += w[j] * mean[j];
    along += w[j] * reflection[j];
  }
  const Vec twice = hn::Set(d, 2 * along);
  Vec variance_sum = hn::Zero(d);
  for (j = 0; j + N <= dim; j += N) {
    const Vec x = hn::NegMulAdd(twice, hn::LoadU(d, reflection + j), hn::LoadU(d, w + j));
    variance_sum = hn::MulAdd(hn::Mul(x, x), hn::LoadU(d, variance + j), variance_sum);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, variance_sum));
  for (; j < dim; ++j) {
    const double x = w[j] - 2 * along * reflection[j];
    sum += x * x * variance[j];
  }
  out[0] = product;
  out[1] = sum;
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(subtract);
HWY_EXPORT(project_one);

void subtract_keys(const HeadTable& keys, std::span<const KeyPair> pairs, std::span<double> out) {
  const auto dim = static_cast<size_t>(keys.head_dim);
  QK_CHECK(out.size() == pairs.size() * dim);
  const auto kernel = HWY_DYNAMIC_DISPATCH(subtract);
  constexpr size_t kAhead = 8;  // pairs
  constexpr size_t kLineFloats = 16;
  for (size_t n = 0; n < pairs.size(); ++n) {
    if (n + kAhead < pairs.size()) {  // the rows are far apart
      const float* first = keys.vector(pairs[n + kAhead].first).data();
      const float* second = keys.vector(pairs[n + kAhead].second).data();
      for (size_t j = 0; j < dim; j += kLineFloats) {
        __builtin_prefetch(first + j);
        __builtin_prefetch(second + j);
      }
    }
    kernel(keys.vector(pairs[n].first).data(), keys.vector(pairs[n].second).data(), dim,
           out.data() + n * dim);
  }
}

void project_diagonal(std::span<const double> differences, std::span<const double> mean,
                      std::span<const double> reflection, std::span<const double> variance,
                      std::span<double> means, std::span<double> variances) {
  const size_t dim = mean.size();
  QK_CHECK(reflection.size() == dim && variance.size() == dim && means.size() == variances.size() &&
           differences.size() == means.size() * dim);
  const auto kernel = HWY_DYNAMIC_DISPATCH(project_one);
  for (size_t n = 0; n < means.size(); ++n) {
    double out[2];
    kernel(differences.data() + n * dim, dim, mean.data(), reflection.data(), variance.data(), out);
    means[n] = out[0];
    variances[n] = out[1];
  }
}

}  // namespace qk
#endif  // HWY_ONCE
