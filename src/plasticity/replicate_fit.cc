#include "plasticity/replicate_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "heads/gathered_rows.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

// What is summed over the rows of a document, x and t relative to their origins: 1, t, t^2, then x,
// t x, and the lower half of x x'.
struct Layout {
  size_t d;
  size_t position_rows = 3;
  size_t products() const { return position_rows + d; }
  size_t outer() const { return products() + d; }
  size_t length() const { return outer() + d * (d + 1) / 2; }
};

void sum_document(const HeadTable& queries, std::span<const int64_t> rows,
                  std::span<const double> origin, int64_t position_origin,
                  std::vector<double>& matrix, std::vector<double>& out) {
  const Layout at{static_cast<size_t>(queries.head_dim)};
  std::fill(out.begin(), out.end(), 0.0);
  std::fill(matrix.begin(), matrix.end(), 0.0);
  const GatheredRows x(queries, rows, origin);
  const std::vector<double> ones(rows.size(), 1.0);
  add_outer_products(x.view(), ones, matrix);
  out[0] = static_cast<double>(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto t =
        static_cast<double>(queries.positions[static_cast<size_t>(rows[i])] - position_origin);
    out[1] += t;
    out[2] += t * t;
    const double* row = x.view()[static_cast<int64_t>(i)].data();
    for (size_t j = 0; j < at.d; ++j) {
      out[at.position_rows + j] += row[j];
      out[at.products() + j] += t * row[j];
    }
  }
  size_t next = at.outer();
  for (size_t i = 0; i < at.d; ++i) {
    for (size_t j = 0; j <= i; ++j) out[next++] = matrix[i * at.d + j];
  }
}

}  // namespace

ReplicateFits::ReplicateFits(const ReplicateInput& input)
    : dim_(input.head.queries.head_dim),
      mean_position_(std::round(input.head.fit.mean_position)),
      sums_(input.counts, 0, input.counts.replicates(),
            static_cast<int64_t>(Layout{static_cast<size_t>(dim_)}.length())) {
  const HeadTable& queries = input.head.queries;
  const Layout at{static_cast<size_t>(dim_)};
  const std::span<const float> first = queries.vector(0);
  origin_.assign(first.begin(), first.end());
  std::vector<int64_t> all(queries.positions.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  const RowsByDocument group = group_by_document(all, input.documents.of_query);
  std::vector<double> matrix(at.d * at.d);
  std::vector<double> numbers(at.length());
  for (size_t g = 0; g < group.documents.size(); ++g) {
    const auto begin = static_cast<size_t>(group.begins[g]);
    const size_t count = static_cast<size_t>(group.begins[g + 1]) - begin;
    sum_document(queries, std::span(group.rows).subspan(begin, count), origin_,
                 input.head.fit.position_origin + static_cast<int64_t>(mean_position_), matrix,
                 numbers);
    sums_.add(group.documents[g], numbers);
  }
  sums_.finish();
  for (int64_t r = 0; r < input.counts.replicates(); ++r) {
    const std::span<const double> s = sums_.of(r);
    ReplicateLine line;
    line.rows = s[0];
    line.mean.resize(at.d);
    line.slope.resize(at.d);
    line.position = mean_position_ + s[1] / s[0];
    line.position_ss = std::max(0.0, s[2] - s[1] * s[1] / s[0]);
    for (size_t j = 0; j < at.d; ++j) {
      const double moved = s[at.position_rows + j] / s[0];
      line.mean[j] = origin_[j] + moved;
      if (line.position_ss > 0) {
        line.slope[j] = (s[at.products() + j] - s[1] * moved) / line.position_ss;
      }
    }
    lines_.push_back(std::move(line));
  }
}

std::vector<double> ReplicateFits::scatter(int64_t replicate) const {
  const Layout at{static_cast<size_t>(dim_)};
  const std::span<const double> s = sums_.of(replicate);
  const ReplicateLine& line = lines_[static_cast<size_t>(replicate)];
  std::vector<double> out(at.d * at.d);
  size_t next = at.outer();
  for (size_t i = 0; i < at.d; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      out[i * at.d + j] = s[next++] - s[at.position_rows + i] * s[at.position_rows + j] / s[0] -
                          line.position_ss * line.slope[i] * line.slope[j];
    }
    out[i * at.d + i] = std::max(0.0, out[i * at.d + i]);
  }
  return out;
}

ResidualCovariance ReplicateFits::covariance(int64_t replicate) const {
  const ReplicateLine& line = lines_[static_cast<size_t>(replicate)];
  ResidualCovariance out{scatter(replicate), 0};
  const double freedom = line.rows - (line.position_ss > 0 ? 2 : 1);
  const double scale = freedom > 0 ? 1 / freedom : kNotANumber;
  for (double& value : out.matrix) value *= scale;
  const auto d = static_cast<size_t>(dim_);
  for (size_t j = 0; j < d; ++j) out.largest = std::max(out.largest, out.matrix[j * d + j]);
  return out;
}

RotatedDiagonal ReplicateFits::diagonal(int64_t replicate, bool compat_reference) const {
  const ReplicateLine& line = lines_[static_cast<size_t>(replicate)];
  const std::vector<double> matrix = scatter(replicate);
  const auto d = static_cast<size_t>(dim_);
  const double norm =
      std::sqrt(std::inner_product(line.slope.begin(), line.slope.end(), line.slope.begin(), 0.0));
  const double spread = position_spread(line.position_ss, line.rows, compat_reference);
  RotatedDiagonal out{reflection_of(line.slope, norm, spread), std::vector<double>(d)};
  const std::vector<double>& v = out.reflection;
  // Diagonal of H S H with H = I - 2 v v': S_jj - 4 v_j (S v)_j + 4 v_j^2 v' S v.
  std::vector<double> product(d);
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j < d; ++j) {
      product[i] += (j <= i ? matrix[i * d + j] : matrix[j * d + i]) * v[j];
    }
  }
  const double square = std::inner_product(v.begin(), v.end(), product.begin(), 0.0);
  const int fitted = compat_reference || !(line.position_ss > 0) ? 1 : 2;
  const double freedom = line.rows - fitted;
  for (size_t j = 0; j < d; ++j) {
    const double left = matrix[j * d + j] - 4 * v[j] * product[j] + 4 * v[j] * v[j] * square;
    out.variance[j] = freedom > 0        ? std::max(0.0, left) / freedom
                      : compat_reference ? 1.0
                                         : kNotANumber;
    if (compat_reference && out.variance[j] <= 0) out.variance[j] = 1e-12;
  }
  return out;
}

}  // namespace qk
