// Mean and full covariance of weighted rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.h"

namespace qk {

struct GaussianLaw {
  std::vector<double> mean;        // [dim]
  std::vector<double> covariance;  // [dim, dim]; only j <= i is meant
};

// Sums of weights, of weighted rows and of their products. Rows are taken relative to an origin
// (any typical row), so that components which never change have a variance of exactly 0.
class MomentSums {
 public:
  explicit MomentSums(std::span<const double> origin);

  int64_t dim() const { return static_cast<int64_t>(origin_.size()); }
  double weight() const { return weight_; }
  double squared_weight() const { return squared_weight_; }  // sum of squares of the weights

  // rows [rows, dim], weights [rows].
  void add(TensorView<const double, 2> rows, std::span<const double> weights);
  void add(TensorView<const double, 2> rows);  // all weights 1
  // Every weight so far times factor.
  void scale(double factor);
  void add(const MomentSums& other);  // REQUIRES: the same origin

  // REQUIRES: weight() > 0.
  std::vector<double> mean() const;
  // Scatter around the mean: [dim, dim], j <= i. REQUIRES: weight() > 0.
  std::vector<double> scatter() const;

 private:
  std::vector<double> origin_;
  double weight_ = 0;
  double squared_weight_ = 0;
  std::vector<double> sum_;       // [dim], of rows minus origin
  std::vector<double> products_;  // [dim, dim], j <= i
};

}  // namespace qk
