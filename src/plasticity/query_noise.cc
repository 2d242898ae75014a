#include "plasticity/query_noise.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "heads/column_kernels.h"
#include "stats/ks_test.h"
#include "stats/lilliefors.h"
#include "stats/median.h"
#include "stats/moments.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

class NoiseMeasurement {
 public:
  NoiseMeasurement(const HeadTable& queries, QueryFit& fit, const NoiseOptions& options)
      : queries_(queries), fit_(fit), options_(options), dim_(queries.head_dim) {}

  QueryNoise run() {
    fit_.rotated_residual_variance.assign(static_cast<size_t>(dim_), 0.0);
    is_tested_.assign(static_cast<size_t>(dim_), false);
    for (const int64_t noise_dim : options_.ks_dims) {
      is_tested_.at(static_cast<size_t>(noise_dim) + 1) = true;
    }
    const auto rows = static_cast<size_t>(fit_.num_rows);
    std::vector<double> columns(rows * static_cast<size_t>(std::min(dim_, kColumnBlock)));
    for (int64_t first = 0; first < dim_; first += kColumnBlock) {
      const int64_t count = std::min(kColumnBlock, dim_ - first);
      const std::span<double> block(columns.data(), rows * static_cast<size_t>(count));
      gather_columns(queries_, fit_.mean, fit_.reflected, fit_.reflection, first, count, block);
      for (int64_t c = 0; c < count; ++c) {
        take_column(first + c, block.subspan(static_cast<size_t>(c) * rows, rows));
      }
    }
    finish();
    return out_;
  }

 private:
  double p_value(int64_t n, double distance) const {
    return options_.compat_reference ? ks_p_value(n, distance) : lilliefors_p_value(n, distance);
  }

  // Overwrites the column.
  double ks_distance(std::span<double> column, double deviation) {
    normal_cdf(column, 1 / deviation, column);
    return statistic_(column);
  }

  void take_column(int64_t j, std::span<double> column) {
    const auto index = static_cast<size_t>(j);
    const double slope = fit_.rotated_slope[index];
    const ColumnSums sums = sum_column(column, fit_.centered_positions, slope);
    fit_.rotated_residual_variance[index] = residual_variance(sums);
    if (j == 0) {
      for (size_t i = 0; i < column.size(); ++i) column[i] -= slope * fit_.centered_positions[i];
      take_first(column);
      return;
    }
    if (is_tested_[index]) out_.ks_distances.push_back(kNotANumber);
    if (fit_.num_rows < 3) return;
    const CentralMoments moments = central_moments(fit_.num_rows, sums.powers);
    if (moments.m2 <= 0 && leaves_out_constant(fit_, j, options_.compat_reference)) return;
    skews_.push_back(std::abs(skewness(moments)));
    kurtoses_.push_back(std::abs(excess_kurtosis(moments)));
    if (!is_tested_[index]) return;
    const double deviation = std::sqrt(moments.variance());
    out_.ks_distances.back() = ks_distance(column, deviation == 0 ? 1 : deviation);
    p_values_.push_back(p_value(fit_.num_rows, out_.ks_distances.back()));
  }

  double residual_variance(const ColumnSums& sums) const {
    const auto n = static_cast<double>(fit_.num_rows);
    const double squares =
        std::max(0.0, sums.residual_squares - sums.residual_sum * sums.residual_sum / n);
    if (options_.compat_reference) return fit_.num_rows < 2 ? 1 : squares / (n - 1);
    const int num_fitted = fit_.position_ss > 0 ? 2 : 1;
    return fit_.num_rows > num_fitted ? squares / (n - num_fitted) : kNotANumber;
  }

  // Residuals of component 0.
  void take_first(std::span<double> residuals) {
    const bool reference = options_.compat_reference;
    if (fit_.num_rows < (reference ? 2 : 3)) return;
    const ColumnSums sums = sum_column(residuals, fit_.centered_positions, 0);
    const CentralMoments moments = central_moments(fit_.num_rows, sums.powers);
    if (reference && moments.m2 <= 0) {
      out_.resid0_skew = 0;
      out_.resid0_kurt = 0;
      out_.resid0_ks_p = 1;
      return;
    }
    const double drift = fit_.rotated_slope[0] * fit_.rotated_slope[0] * fit_.position_ss;
    constexpr double kRounding = 1e-24;  // such residuals are rounding in float64
    if (moments.m2 * static_cast<double>(fit_.num_rows) <= kRounding * drift && !reference) return;
    if (moments.m2 <= 0) return;
    out_.resid0_skew = skewness(moments);
    out_.resid0_kurt = excess_kurtosis(moments);
    const double deviation = std::sqrt(moments.variance());
    if (options_.residuals != nullptr) {
      options_.residuals->assign(residuals.begin(), residuals.end());
      for (double& residual : *options_.residuals) residual /= deviation;
    }
    out_.resid0_ks_distance = ks_distance(residuals, deviation);
    out_.resid0_ks_p = p_value(fit_.num_rows, out_.resid0_ks_distance);
  }

  void finish() {
    if (options_.compat_reference && (dim_ == 1 || fit_.num_rows < 3)) {
      out_.med_abs_skew = 0;
      out_.med_abs_kurt = 0;
      out_.med_ks_p = 1;
      out_.frac_ks_p_lt_alpha = 0;
      return;
    }
    out_.med_abs_skew = median(std::move(skews_));
    out_.med_abs_kurt = median(std::move(kurtoses_));
    if (p_values_.empty()) return;
    const auto below = std::count_if(p_values_.begin(), p_values_.end(),
                                     [&](double p) { return p < options_.p_alpha; });
    out_.frac_ks_p_lt_alpha = static_cast<double>(below) / static_cast<double>(p_values_.size());
    out_.med_ks_p = median(std::move(p_values_));
  }

  const HeadTable& queries_;
  QueryFit& fit_;
  const NoiseOptions& options_;
  int64_t dim_;
  std::vector<bool> is_tested_;
  KsStatistic statistic_;
  std::vector<double> skews_;
  std::vector<double> kurtoses_;
  std::vector<double> p_values_;
  QueryNoise out_;
};

}  // namespace

bool leaves_out_constant(const QueryFit& fit, int64_t component, bool compat_reference) {
  const bool is_rotated =
      std::any_of(fit.reflection.begin(), fit.reflection.end(), [](double x) { return x != 0; });
  return !compat_reference || (is_rotated && fit.mean[static_cast<size_t>(component)] != 0);
}

QueryNoise measure_noise(const HeadTable& queries, QueryFit& fit, const NoiseOptions& options) {
  return NoiseMeasurement(queries, fit, options).run();
}

}  // namespace qk
