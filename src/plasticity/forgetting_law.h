// The law of the queries up to a time, with exponential forgetting and full covariance:
// docs/methods.md, "online". Threads: one at a time.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "plasticity/gaussian_law.h"

namespace qk {

enum class ForgettingStart : uint8_t {
  kFirst,  // nothing is known before the first query
  kZero,   // one zero query of weight 1 / alpha before it: online_start: zero
};

class ForgettingLaw {
 public:
  // origin [dim]: any typical query (see MomentSums). REQUIRES: 0 < alpha <= 1.
  ForgettingLaw(std::span<const double> origin, double alpha, ForgettingStart start);

  // All weights times (1 - alpha)^steps. REQUIRES: steps >= 0.
  void forget(double steps);
  // Adds queries [rows, dim] with weights [rows], >= 0.
  void observe(TensorView<const double, 2> queries, std::span<const double> weights);

  // (sum of weights)^2 / sum of squared weights, the number of queries of equal weight with as
  // much information; 0 before the first query. The zero query of kZero does not count.
  double effective_queries() const;
  // Mean and covariance of the weighted queries. kZero: the plain moments.
  // kFirst: the scatter is divided by weight - squared weights / weight, which makes it unbiased;
  // NaN if there is no more than one effective query.
  GaussianLaw law() const;

 private:
  double alpha_;
  ForgettingStart start_;
  double squared_weight_ = 0;  // without the zero query
  double weight_ = 0;
  MomentSums sums_;
};

// (1 - alpha)^steps, what a weight is after so many steps, however small alpha is; 0^0 = 1.
double kept_weight(double alpha, double steps);

// The factor of a scatter of queries with these sums of weights and of squared weights; NaN if
// there is no more than one effective query.
double unbiased_scale(double weight, double squared_weight);

}  // namespace qk
