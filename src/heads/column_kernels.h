// Sums over the rows of a table, in float64. One instruction set per machine, so the last bits may
// differ between machines, but not between runs or numbers of threads.
#pragma once

#include <cstdint>
#include <span>

#include "heads/head_table.h"

namespace qk {

// For every component j: sum over rows of y and of weights[i] * y, where y = x[i, j] - origin[j].
//   weights       [rows]
//   origin        [head_dim]
//   sums          [head_dim], overwritten
//   weighted_sums [head_dim], overwritten
void sum_columns(const HeadTable& table, std::span<const double> weights,
                 std::span<const double> origin, std::span<double> sums,
                 std::span<double> weighted_sums);

// For every row the products of its deviation from the mean with two directions; for every
// component the sum of squared deviations.
struct RowProjections {
  std::span<double> first, second;  // [rows], overwritten
  std::span<double> squares;        // [head_dim], overwritten
};
//   mean, first_direction, second_direction  [head_dim]
void project_rows(const HeadTable& table, std::span<const double> mean,
                  std::span<const double> first_direction, std::span<const double> second_direction,
                  const RowProjections& out);

// Components [first, first + count) as columns, reflected:
//   out[c, i] = x[i, j] - mean[j] - along[i] * reflection[j],  j = first + c
//   along       [rows]
//   reflection  [head_dim]
//   out         [count, rows]
// REQUIRES: count <= kColumnBlock.
inline constexpr int64_t kColumnBlock = 16;
void gather_columns(const HeadTable& table, std::span<const double> mean,
                    std::span<const double> along, std::span<const double> reflection,
                    int64_t first, int64_t count, std::span<double> out);

struct ColumnSums {
  double powers[4] = {};    // sums of x, x^2, x^3, x^4
  double residual_sum = 0;  // of x - slope * weight
  double residual_squares = 0;
};
//   column, weights  [rows]
ColumnSums sum_column(std::span<const double> column, std::span<const double> weights,
                      double slope);

}  // namespace qk
