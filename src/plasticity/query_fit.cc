#include "plasticity/query_fit.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "heads/column_kernels.h"

namespace qk {
namespace {

constexpr double kSmallest = 1e-12;

double norm_of(std::span<const double> vector) {
  double squares = 0;
  for (const double x : vector) squares += x * x;
  return std::sqrt(squares);
}

void center_positions(const HeadTable& queries, QueryFit& fit) {
  fit.position_origin = position_origin(queries);
  double sum = 0;
  for (const int64_t position : queries.positions) {
    sum += static_cast<double>(position - fit.position_origin);
  }
  fit.mean_position = sum / static_cast<double>(fit.num_rows);
  fit.centered_positions.reserve(queries.positions.size());
  for (const int64_t position : queries.positions) {
    const double centered = static_cast<double>(position - fit.position_origin) - fit.mean_position;
    fit.centered_positions.push_back(centered);
    fit.position_ss += centered * centered;
  }
}

}  // namespace

double position_spread(double position_ss, double rows, bool compat_reference) {
  return compat_reference ? 1 : std::sqrt(position_ss / rows);
}

std::vector<double> reflection_of(std::span<const double> slope, double norm, double spread) {
  std::vector<double> out(slope.size(), 0.0);
  if (norm * spread < kSmallest) return out;
  std::transform(slope.begin(), slope.end(), out.begin(), [&](double x) { return x / norm; });
  out[0] -= 1;
  const double length = norm_of(out);
  if (length < kSmallest) return std::vector<double>(slope.size(), 0.0);
  for (double& x : out) x /= length;
  return out;
}

QueryFit fit_queries(const HeadTable& queries, bool compat_reference) {
  QK_CHECK(queries.num_rows() > 0 && queries.head_dim > 0);
  QueryFit fit;
  fit.num_rows = queries.num_rows();
  const auto dim = static_cast<size_t>(queries.head_dim);
  center_positions(queries, fit);
  // Relative to the first row, so that a component that never changes is exactly that.
  const std::span<const float> first_row = queries.vector(0);
  const std::vector<double> origin(first_row.begin(), first_row.end());
  fit.mean.resize(dim);
  fit.slope.resize(dim);
  sum_columns(queries, fit.centered_positions, origin, fit.mean, fit.slope);
  fit.intercept.resize(dim);
  for (size_t j = 0; j < dim; ++j) {
    fit.mean[j] = origin[j] + fit.mean[j] / static_cast<double>(fit.num_rows);
    fit.slope[j] = fit.position_ss > 0 ? fit.slope[j] / fit.position_ss : 0;
    fit.intercept[j] = fit.mean[j] - fit.slope[j] * fit.mean_position;
  }
  fit.slope_norm = norm_of(fit.slope);
  const double spread =
      position_spread(fit.position_ss, static_cast<double>(fit.num_rows), compat_reference);
  fit.reflection = reflection_of(fit.slope, fit.slope_norm, spread);
  const double along =
      2 * std::inner_product(fit.slope.begin(), fit.slope.end(), fit.reflection.begin(), 0.0);
  std::vector<double> direction(dim, 0.0);
  fit.rotated_slope.resize(dim);
  for (size_t j = 0; j < dim; ++j) {
    fit.rotated_slope[j] = fit.slope[j] - along * fit.reflection[j];
    if (fit.slope_norm > 0) direction[j] = fit.slope[j] / fit.slope_norm;
  }
  fit.projections.resize(queries.positions.size());
  fit.total_ss.resize(dim);
  fit.reflected.resize(queries.positions.size());
  project_rows(queries, fit.mean, direction, fit.reflection,
               {fit.projections, fit.reflected, fit.total_ss});
  for (double& product : fit.reflected) product *= 2;
  fit.residual_ss.resize(dim);
  for (size_t j = 0; j < dim; ++j) {
    fit.residual_ss[j] =
        std::max(0.0, fit.total_ss[j] - fit.slope[j] * fit.slope[j] * fit.position_ss);
  }
  return fit;
}

std::vector<double> component_r2(const QueryFit& fit, bool compat_reference) {
  std::vector<double> out(fit.mean.size(), 0.0);
  if (fit.position_ss <= 0) return out;
  for (size_t j = 0; j < out.size(); ++j) {
    const double total = fit.total_ss[j];
    if (compat_reference) {
      out[j] = std::min(1.0, 1 - fit.residual_ss[j] / std::max(total, kSmallest));
    } else if (total > 0) {
      out[j] = 1 - fit.residual_ss[j] / total;
    }
  }
  return out;
}

double mean_r2(const QueryFit& fit, std::span<const double> component_r2, bool compat_reference) {
  double sum = 0;
  int64_t count = 0;
  for (size_t j = 0; j < component_r2.size(); ++j) {
    if (!compat_reference && fit.total_ss[j] <= 0) continue;  // nothing that position could explain
    sum += component_r2[j];
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

std::vector<double> centered_log_positions(const HeadTable& queries) {
  const auto [lowest, highest] =
      std::minmax_element(queries.positions.begin(), queries.positions.end());
  // Where all logarithms are nearly equal they are taken relative to that of the lowest position,
  // whose rounding would else be as large as their differences.
  constexpr int64_t kNearlyEqual = 1024;
  const bool is_narrow = *highest - *lowest < *lowest / kNearlyEqual;
  const double base = static_cast<double>(*lowest) + 1;
  std::vector<double> out;
  out.reserve(queries.positions.size());
  for (const int64_t position : queries.positions) {
    out.push_back(is_narrow ? std::log1p(static_cast<double>(position - *lowest) / base) *
                                  std::numbers::log2e
                            : std::log2(static_cast<double>(position) + 1));
  }
  const double mean = std::reduce(out.begin(), out.end()) / static_cast<double>(out.size());
  for (double& y : out) y -= mean;
  return out;
}

ScalarPredictability predict_position(const HeadTable& queries, const QueryFit& fit) {
  const auto n = static_cast<double>(fit.num_rows);
  const std::vector<double> y = centered_log_positions(queries);
  const double mean_projection = std::reduce(fit.projections.begin(), fit.projections.end()) / n;
  ScalarPredictability out;
  double total = 0;
  double squares = 0;
  double products = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double s = fit.projections[i] - mean_projection;
    out.mae_baseline += std::abs(y[i]);
    total += y[i] * y[i];
    squares += s * s;
    products += s * y[i];
  }
  out.mae_baseline /= n;
  out.mae_proj = out.mae_baseline;
  if (squares <= 0) return out;
  const double rate = products / squares;
  double residual_ss = 0;
  double absolute = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double residual = y[i] - rate * (fit.projections[i] - mean_projection);
    residual_ss += residual * residual;
    absolute += std::abs(residual);
  }
  out.mae_proj = absolute / n;
  if (total > 0) out.r2 = 1 - residual_ss / total;
  return out;
}

}  // namespace qk
