// How alike two columns of numbers are.
#pragma once

#include <span>

namespace qk {

// Pearson's correlation. NaN with fewer than two pairs, or if a column is constant.
// REQUIRES: equal sizes, finite numbers.
double pearson_correlation(std::span<const double> a, std::span<const double> b);

// Spearman's: Pearson's of the ranks, equal numbers having the mean of their ranks.
double spearman_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace qk
