// The straight line of the queries, and what it leaves, in every bootstrap replicate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plasticity/method_replicates.h"
#include "stats/replicate_sums.h"

namespace qk {

struct ResidualCovariance {
  std::vector<double> matrix;  // [head_dim, head_dim], j <= i; NaN without a degree of freedom
  double largest = 0;          // variance of a component
};

struct RotatedDiagonal {
  std::vector<double> reflection;  // [head_dim], see QueryFit
  std::vector<double> variance;    // [head_dim], of the residuals in that basis
};

struct ReplicateLine {
  double rows = 0;
  double position = 0;  // mean, from the fit's origin, tokens
  double position_ss = 0;
  std::vector<double> mean;   // [head_dim], there
  std::vector<double> slope;  // [head_dim], per token
};

// Memory: replicates * head_dim^2 / 2 doubles.
class ReplicateFits {
 public:
  explicit ReplicateFits(const ReplicateInput& input);

  // NaN if the replicate has no query.
  const ReplicateLine& line(int64_t replicate) const {
    return lines_[static_cast<size_t>(replicate)];
  }
  // Divided by rows - 2 (rows - 1 if all positions are equal).
  ResidualCovariance covariance(int64_t replicate) const;
  // Diagonal of the covariance after the rotation of the replicate's own slope. compat: reference
  // divides by rows - 1, and takes 1 for a single row and 1e-12 where nothing varies.
  RotatedDiagonal diagonal(int64_t replicate, bool compat_reference) const;

 private:
  // Scatter of the residuals, j <= i.
  std::vector<double> scatter(int64_t replicate) const;

  int64_t dim_;
  std::vector<double> origin_;
  double mean_position_ = 0;  // rounded, from the fit's origin
  ReplicateSums sums_;
  std::vector<ReplicateLine> lines_;  // [replicates]
};

}  // namespace qk
