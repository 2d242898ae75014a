#include "plasticity/gaussian_law.h"

#include <algorithm>

#include "base/error.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

constexpr int64_t kGaussianRowsAtOnce = 64;

}  // namespace

MomentSums::MomentSums(std::span<const double> origin)
    : origin_(origin.begin(), origin.end()),
      sum_(origin.size()),
      products_(origin.size() * origin.size()) {
  QK_CHECK(!origin.empty());
}

void MomentSums::add(TensorView<const double, 2> rows, std::span<const double> weights) {
  QK_CHECK(rows.dim(1) == dim() && rows.dim(0) == static_cast<int64_t>(weights.size()));
  const size_t d = origin_.size();
  std::vector<double> moved(static_cast<size_t>(kGaussianRowsAtOnce) * d);
  for (int64_t begin = 0; begin < rows.dim(0); begin += kGaussianRowsAtOnce) {
    const int64_t count = std::min(kGaussianRowsAtOnce, rows.dim(0) - begin);
    for (int64_t r = 0; r < count; ++r) {
      const double* row = rows[begin + r].data();
      const double weight = weights[static_cast<size_t>(begin + r)];
      double* out = moved.data() + static_cast<size_t>(r) * d;
      for (size_t j = 0; j < d; ++j) {
        out[j] = row[j] - origin_[j];
        sum_[j] += weight * out[j];
      }
      weight_ += weight;
      squared_weight_ += weight * weight;
    }
    add_outer_products({moved.data(), {count, dim()}},
                       weights.subspan(static_cast<size_t>(begin), static_cast<size_t>(count)),
                       products_);
  }
}

void MomentSums::add(TensorView<const double, 2> rows) {
  const std::vector<double> ones(static_cast<size_t>(rows.dim(0)), 1.0);
  add(rows, ones);
}

void MomentSums::scale(double factor) {
  weight_ *= factor;
  squared_weight_ *= factor * factor;
  for (double& value : sum_) value *= factor;
  for (double& value : products_) value *= factor;
}

void MomentSums::add(const MomentSums& other) {
  QK_CHECK(origin_ == other.origin_);
  weight_ += other.weight_;
  squared_weight_ += other.squared_weight_;
  for (size_t j = 0; j < sum_.size(); ++j) sum_[j] += other.sum_[j];
  for (size_t j = 0; j < products_.size(); ++j) products_[j] += other.products_[j];
}

std::vector<double> MomentSums::mean() const {
  QK_CHECK(weight_ > 0);
  std::vector<double> out(origin_);
  for (size_t j = 0; j < out.size(); ++j) out[j] += sum_[j] / weight_;
  return out;
}

std::vector<double> MomentSums::scatter() const {
  QK_CHECK(weight_ > 0);
  std::vector<double> out(products_);
  const size_t d = origin_.size();
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j <= i; ++j) out[i * d + j] -= sum_[i] * sum_[j] / weight_;
    // Rounding may make the difference negative.
    out[i * d + i] = std::max(0.0, out[i * d + i]);
  }
  return out;
}

}  // namespace qk
