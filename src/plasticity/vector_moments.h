// Mean and covariance of the vectors of a table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct VectorMoments {
  int64_t rows = 0;
  std::vector<double> mean;        // [head_dim]
  std::vector<double> covariance;  // [head_dim, head_dim], divided by rows; only j <= i is meant

  int64_t head_dim() const { return static_cast<int64_t>(mean.size()); }
};

// A component that never changes has a variance of exactly 0. REQUIRES: at least one row.
VectorMoments vector_moments(const HeadTable& table);

// matrix x, of which only j <= i is read.
std::vector<double> symmetric_product(std::span<const double> matrix, std::span<const double> x);

double trace_of(std::span<const double> matrix, int64_t dim);

}  // namespace qk
