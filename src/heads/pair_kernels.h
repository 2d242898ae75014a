// Sums over the components of key differences, in float64.
#pragma once

#include <cstdint>
#include <span>

#include "heads/head_table.h"
#include "heads/key_groups.h"

namespace qk {

// out[n, head_dim]: first minus second key of every pair.
void subtract_keys(const HeadTable& keys, std::span<const KeyPair> pairs, std::span<double> out);

// A normal law whose covariance is diagonal after the reflection I - 2 v v^T:
//   means[n]     = mean . w
//   variances[n] = sum over j of variance[j] * (w[j] - 2 (w . v) v[j])^2
//   differences  [n, head_dim]: the rows w
//   mean, reflection v, variance  [head_dim]
void project_diagonal(std::span<const double> differences, std::span<const double> mean,
                      std::span<const double> reflection, std::span<const double> variance,
                      std::span<double> means, std::span<double> variances);

}  // namespace qk
