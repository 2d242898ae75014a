// Arguments of the kernels in column_kernels.cc, compiled once for all instruction sets.
#pragma once

#include <cstddef>

namespace qk {

struct ProjectionJob {
  const float* x;
  size_t num_rows, dim;
  const double *mean, *first_direction, *second_direction;
  double *first, *second, *squares;
};

struct GatherJob {
  const float* x;
  size_t num_rows, dim, first, count;
  const double *mean, *along, *reflection;
  double* out;
};

}  // namespace qk
