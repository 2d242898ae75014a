#include "plasticity/vector_moments.h"

#include <algorithm>

#include "base/error.h"
#include "plasticity/gaussian_law.h"

namespace qk {
namespace {

constexpr int64_t kTableRowsAtOnce = 256;

}  // namespace

VectorMoments vector_moments(const HeadTable& table) {
  QK_CHECK(table.num_rows() > 0);
  const auto d = static_cast<size_t>(table.head_dim);
  const std::span<const float> first = table.vector(0);
  const std::vector<double> origin(first.begin(), first.end());
  MomentSums sums(origin);
  std::vector<double> rows(static_cast<size_t>(kTableRowsAtOnce) * d);
  for (int64_t begin = 0; begin < table.num_rows(); begin += kTableRowsAtOnce) {
    const int64_t count = std::min(kTableRowsAtOnce, table.num_rows() - begin);
    const float* vectors = table.vector(begin).data();
    std::copy_n(vectors, static_cast<size_t>(count) * d, rows.begin());
    sums.add({rows.data(), {count, table.head_dim}});
  }
  VectorMoments out{table.num_rows(), sums.mean(), sums.scatter()};
  for (double& value : out.covariance) value /= static_cast<double>(out.rows);
  return out;
}

std::vector<double> symmetric_product(std::span<const double> matrix, std::span<const double> x) {
  const size_t d = x.size();
  QK_CHECK(matrix.size() == d * d);
  std::vector<double> out(d, 0.0);
  for (size_t i = 0; i < d; ++i) {
    double sum = matrix[i * d + i] * x[i];
    for (size_t j = 0; j < i; ++j) {
      sum += matrix[i * d + j] * x[j];
      out[j] += matrix[i * d + j] * x[i];
    }
    out[i] += sum;
  }
  return out;
}

double trace_of(std::span<const double> matrix, int64_t dim) {
  double out = 0;
  for (int64_t i = 0; i < dim; ++i) out += matrix[static_cast<size_t>(i * dim + i)];
  return out;
}

}  // namespace qk
