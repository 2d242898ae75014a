#include "plasticity/forgetting_law.h"

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace qk {

double kept_weight(double alpha, double steps) {
  constexpr double kTiny = 0x1p-20;  // below it 1 - alpha loses digits of alpha that matter
  if (alpha < kTiny) return std::exp(steps * std::log1p(-alpha));
  return std::pow(1 - alpha, steps);
}

double unbiased_scale(double weight, double squared_weight) {
  const double freedom = weight - squared_weight / weight;
  if (!(freedom > 1e-9 * weight)) return std::numeric_limits<double>::quiet_NaN();
  return 1 / freedom;
}

ForgettingLaw::ForgettingLaw(std::span<const double> origin, double alpha, ForgettingStart start)
    : alpha_(alpha), start_(start), sums_(origin) {
  QK_CHECK(alpha > 0 && alpha <= 1);
  if (start == ForgettingStart::kFirst) return;
  const std::vector<double> zero(origin.size());
  const double weight = 1 / alpha;
  sums_.add({zero.data(), {1, sums_.dim()}}, {&weight, 1});
}

void ForgettingLaw::forget(double steps) {
  QK_CHECK(steps >= 0);
  const double factor = kept_weight(alpha_, steps);
  weight_ *= factor;
  squared_weight_ *= factor * factor;
  sums_.scale(factor);
}

void ForgettingLaw::observe(TensorView<const double, 2> queries, std::span<const double> weights) {
  for (double weight : weights) {
    weight_ += weight;
    squared_weight_ += weight * weight;
  }
  sums_.add(queries, weights);
}

double ForgettingLaw::effective_queries() const {
  return squared_weight_ > 0 ? weight_ * weight_ / squared_weight_ : 0;
}

GaussianLaw ForgettingLaw::law() const {
  const double total = sums_.weight();
  if (total <= 0) {
    const auto d = static_cast<size_t>(sums_.dim());
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {std::vector<double>(d, nan), std::vector<double>(d * d, nan)};
  }
  GaussianLaw out{sums_.mean(), sums_.scatter()};
  const double scale =
      start_ == ForgettingStart::kZero ? 1 / total : unbiased_scale(total, sums_.squared_weight());
  for (double& value : out.covariance) value *= scale;
  return out;
}

}  // namespace qk
