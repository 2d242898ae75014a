#include "heads/column_kernels.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/simd_targets.h"
#include "heads/column_jobs.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "heads/column_kernels.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<double>;
using Vec = hn::Vec<Tag>;

HWY_INLINE Vec load_floats(Tag d, const float* from) {
  const hn::Rebind<float, Tag> narrow;
  return hn::PromoteTo(d, hn::LoadU(narrow, from));
}

// Four rows at a time, so that the sums are read and written a quarter as often.
void sum_rows(const float* x, size_t num_rows, size_t dim, const double* weights,
              const double* origin, double* sums, double* weighted_sums) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  size_t row = 0;
  for (; row + 4 <= num_rows; row += 4, x += 4 * dim) {
    const Vec w0 = hn::Set(d, weights[row]);
    const Vec w1 = hn::Set(d, weights[row + 1]);
    const Vec w2 = hn::Set(d, weights[row + 2]);
    const Vec w3 = hn::Set(d, weights[row + 3]);
    size_t j = 0;
    for (; j + N <= dim; j += N) {
      const Vec base = hn::LoadU(d, origin + j);
      const Vec y0 = hn::Sub(load_floats(d, x + j), base);
      const Vec y1 = hn::Sub(load_floats(d, x + dim + j), base);
      const Vec y2 = hn::Sub(load_floats(d, x + 2 * dim + j), base);
      const Vec y3 = hn::Sub(load_floats(d, x + 3 * dim + j), base);
      const Vec sum = hn::Add(hn::Add(y0, y1), hn::Add(y2, y3));
      hn::StoreU(hn::Add(hn::LoadU(d, sums + j), sum), d, sums + j);
      const Vec weighted =
          hn::Add(hn::MulAdd(y0, w0, hn::Mul(y1, w1)), hn::MulAdd(y2, w2, hn::Mul(y3, w3)));
      hn::StoreU(hn::Add(hn::LoadU(d, weighted_sums + j), weighted), d, weighted_sums + j);
    }
    for (; j < dim; ++j) {
      for (size_t k = 0; k < 4; ++k) {
        const double y = static_cast<double>(x[k * dim + j]) - origin[j];
        sums[j] += y;
        weighted_sums[j] += y * weights[row + k];
      }
    }
  }
  for (; row < num_rows; ++row, x += dim) {
    for (size_t j = 0; j < dim; ++j) {
      const double y = static_cast<double>(x[j]) - origin[j];
      sums[j] += y;
      weighted_sums[j] += y * weights[row];
    }
  }
}

void project(const ProjectionJob& p) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  const float* x = p.x;
  for (size_t row = 0; row < p.num_rows; ++row, x += p.dim) {
    Vec first_sum = hn::Zero(d);
    Vec second_sum = hn::Zero(d);
    size_t j = 0;
    for (; j + N <= p.dim; j += N) {
      const Vec y = hn::Sub(load_floats(d, x + j), hn::LoadU(d, p.mean + j));
      first_sum = hn::MulAdd(y, hn::LoadU(d, p.first_direction + j), first_sum);
      second_sum = hn::MulAdd(y, hn::LoadU(d, p.second_direction + j), second_sum);
      hn::StoreU(hn::MulAdd(y, y, hn::LoadU(d, p.squares + j)), d, p.squares + j);
    }
    double first = hn::GetLane(hn::SumOfLanes(d, first_sum));
    double second = hn::GetLane(hn::SumOfLanes(d, second_sum));
    for (; j < p.dim; ++j) {
      const double y = static_cast<double>(x[j]) - p.mean[j];
      first += y * p.first_direction[j];
      second += y * p.second_direction[j];
      p.squares[j] += y * y;
    }
    p.first[row] = first;
    p.second[row] = second;
  }
}

constexpr size_t kRowsAhead = 24;

void gather(const GatherJob& g) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  HWY_ALIGN double values[kColumnBlock] = {};
  const double* mean = g.mean + g.first;
  const double* reflection = g.reflection + g.first;
  const float* x = g.x + g.first;
  for (size_t row = 0; row < g.num_rows; ++row, x += g.dim) {
    // Rows are far apart: the cache line of a later one is fetched ahead (it may lie past the end).
    __builtin_prefetch(x + kRowsAhead * g.dim);
    const Vec along = hn::Set(d, g.along[row]);
    size_t c = 0;
    for (; c + N <= g.count; c += N) {
      const Vec y = hn::Sub(load_floats(d, x + c), hn::LoadU(d, mean + c));
      hn::StoreU(hn::NegMulAdd(along, hn::LoadU(d, reflection + c), y), d, values + c);
    }
    for (; c < g.count; ++c) {
      values[c] = static_cast<double>(x[c]) - mean[c] - g.along[row] * reflection[c];
    }
    for (c = 0; c < g.count; ++c) g.out[c * g.num_rows + row] = values[c];
  }
}

void sum_one_column(const double* column, const double* weights, size_t count, double slope,
                    double* out) {
  const Tag d;
  const size_t N = hn::Lanes(d);
  Vec s1 = hn::Zero(d);
  Vec s2 = s1, s3 = s1, s4 = s1, r1 = s1, r2 = s1;
  const Vec rate = hn::Set(d, slope);
  size_t i = 0;
  for (; i + N <= count; i += N) {
    const Vec x = hn::LoadU(d, column + i);
    const Vec square = hn::Mul(x, x);
    s1 = hn::Add(s1, x);
    s2 = hn::Add(s2, square);
    s3 = hn::MulAdd(square, x, s3);
    s4 = hn::MulAdd(square, square, s4);
    const Vec residual = hn::NegMulAdd(rate, hn::LoadU(d, weights + i), x);
    r1 = hn::Add(r1, residual);
    r2 = hn::MulAdd(residual, residual, r2);
  }
  const Vec sums[6] = {s1, s2, s3, s4, r1, r2};
  for (size_t k = 0; k < 6; ++k) out[k] = hn::GetLane(hn::SumOfLanes(d, sums[k]));
  for (; i < count; ++i) {
    const double x = column[i];
    const double residual = x - slope * weights[i];
    const double terms[6] = {x, x * x, x * x * x, x * x * x * x, residual, residual * residual};
    for (size_t k = 0; k < 6; ++k) out[k] += terms[k];
  }
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(sum_rows);
HWY_EXPORT(project);
HWY_EXPORT(gather);
HWY_EXPORT(sum_one_column);

void sum_columns(const HeadTable& table, std::span<const double> weights,
                 std::span<const double> origin, std::span<double> sums,
                 std::span<double> weighted_sums) {
  const auto dim = static_cast<size_t>(table.head_dim);
  const auto rows = static_cast<size_t>(table.num_rows());
  QK_CHECK(weights.size() == rows && origin.size() == dim && sums.size() == dim &&
           weighted_sums.size() == dim);
  std::fill(sums.begin(), sums.end(), 0.0);
  std::fill(weighted_sums.begin(), weighted_sums.end(), 0.0);
  HWY_DYNAMIC_DISPATCH(sum_rows)
  (table.vectors.data(), rows, dim, weights.data(), origin.data(), sums.data(),
   weighted_sums.data());
}

void project_rows(const HeadTable& table, std::span<const double> mean,
                  std::span<const double> first_direction, std::span<const double> second_direction,
                  const RowProjections& out) {
  const auto dim = static_cast<size_t>(table.head_dim);
  const auto rows = static_cast<size_t>(table.num_rows());
  QK_CHECK(mean.size() == dim && first_direction.size() == dim && second_direction.size() == dim &&
           out.first.size() == rows && out.second.size() == rows && out.squares.size() == dim);
  std::fill(out.squares.begin(), out.squares.end(), 0.0);
  HWY_DYNAMIC_DISPATCH(project)
  ({table.vectors.data(), rows, dim, mean.data(), first_direction.data(), second_direction.data(),
    out.first.data(), out.second.data(), out.squares.data()});
}

void gather_columns(const HeadTable& table, std::span<const double> mean,
                    std::span<const double> along, std::span<const double> reflection,
                    int64_t first, int64_t count, std::span<double> out) {
  const auto dim = static_cast<size_t>(table.head_dim);
  const auto rows = static_cast<size_t>(table.num_rows());
  QK_CHECK(mean.size() == dim && along.size() == rows && reflection.size() == dim);
  QK_CHECK(first >= 0 && count <= kColumnBlock && first + count <= table.head_dim &&
           out.size() == static_cast<size_t>(count) * rows);
  HWY_DYNAMIC_DISPATCH(gather)
  ({table.vectors.data(), rows, dim, static_cast<size_t>(first), static_cast<size_t>(count),
    mean.data(), along.data(), reflection.data(), out.data()});
}

ColumnSums sum_column(std::span<const double> column, std::span<const double> weights,
                      double slope) {
  QK_CHECK(column.size() == weights.size());
  double sums[6] = {};
  HWY_DYNAMIC_DISPATCH(sum_one_column)(column.data(), weights.data(), column.size(), slope, sums);
  return {{sums[0], sums[1], sums[2], sums[3]}, sums[4], sums[5]};
}

}  // namespace qk
#endif  // HWY_ONCE
