#include "plasticity/score_planes.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "stats/symmetric_eigen.h"

namespace qk {
namespace {

constexpr double kPlaneRounding = 1e-12;

double product_of(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double norm_of_vector(std::span<const double> x) { return std::sqrt(product_of(x, x)); }

// Sum over all i and j of a[i, j] b[i, j], from the lower halves.
double trace_of_product(std::span<const double> a, std::span<const double> b, size_t d) {
  double out = 0;
  for (size_t i = 0; i < d; ++i) {
    double beside = 0;
    for (size_t j = 0; j < i; ++j) beside += a[i * d + j] * b[i * d + j];
    out += 2 * beside + a[i * d + i] * b[i * d + i];
  }
  return out;
}

std::vector<float> project_points(const HeadTable& table, std::span<const int64_t> rows,
                                  std::span<const double> origin, double scale,
                                  const PlaneAxes& axes) {
  std::vector<float> out;
  out.reserve(2 * rows.size());
  for (const int64_t row : rows) {
    const std::span<const float> vector = table.vector(row);
    double x = 0;
    double y = 0;
    for (size_t j = 0; j < vector.size(); ++j) {
      const double value = static_cast<double>(vector[j]) - (origin.empty() ? 0 : origin[j]);
      x += value * axes.x[j];
      y += value * axes.y[j];
    }
    out.push_back(static_cast<float>(scale * x));
    out.push_back(static_cast<float>(scale * y));
  }
  return out;
}

}  // namespace

std::vector<double> residual_covariance(const QueryFit& fit, const VectorMoments& queries) {
  const size_t d = fit.slope.size();
  std::vector<double> out = queries.covariance;
  const double drift = fit.position_ss / static_cast<double>(fit.num_rows);
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j <= i; ++j) out[i * d + j] -= drift * fit.slope[i] * fit.slope[j];
    out[i * d + i] = std::max(0.0, out[i * d + i]);
  }
  const double total = trace_of(queries.covariance, queries.head_dim());
  if (fit.num_rows >= 3 && trace_of(out, queries.head_dim()) > kPlaneRounding * total) return out;
  return std::vector<double>(d * d, 0.0);
}

ScorePlanes::ScorePlanes(const QueryFit& fit, const VectorMoments& queries,
                         const VectorMoments& keys, std::span<const double> residuals)
    : fit_(fit), queries_(queries), keys_(keys), residuals_(residuals) {
  QK_CHECK(queries.head_dim() == keys.head_dim());
  const int64_t dim = queries.head_dim();
  const double query_square =
      trace_of(queries.covariance, dim) + product_of(queries.mean, queries.mean);
  const double key_square = trace_of(keys.covariance, dim);
  if (dim < 2 || !(query_square > 0 && key_square > 0)) return;
  scale_ = std::pow(key_square / query_square, 0.25);
  const double square =
      trace_of_product(queries.covariance, keys.covariance, static_cast<size_t>(dim)) +
      product_of(queries.mean, symmetric_product(keys.covariance, queries.mean));
  if (square > kPlaneRounding * query_square * key_square) score_square_ = square;
}

std::optional<PlaneAxes> ScorePlanes::along_beta() const {
  const double spread =
      position_spread(fit_.position_ss, static_cast<double>(fit_.num_rows), false);
  // As reflection_of() says: a drift that is rounding has no direction.
  if (scale_ == 0 || fit_.slope_norm * spread < kPlaneRounding) return {};
  PlaneAxes out;
  for (const double x : fit_.slope) out.x.push_back(x / fit_.slope_norm);
  const size_t d = out.x.size();
  const std::vector<double> along = symmetric_product(residuals_, out.x);
  const double variance = product_of(along, out.x);
  std::vector<double> across(residuals_.begin(), residuals_.end());
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      across[i * d + j] +=
          variance * out.x[i] * out.x[j] - out.x[i] * along[j] - along[i] * out.x[j];
    }
  }
  const double total = trace_of(queries_.covariance, queries_.head_dim());
  const SymmetricEigen eigen(across, queries_.head_dim());
  if (!(eigen.values().front() > kPlaneRounding * total)) return {};
  out.y = eigen.vector(0);
  const double rounding = product_of(out.x, out.y);
  for (size_t j = 0; j < d; ++j) out.y[j] -= rounding * out.x[j];
  const double length = norm_of_vector(out.y);
  for (double& y : out.y) y /= length;
  return out;
}

std::optional<PlaneAxes> ScorePlanes::joint() const {
  if (scale_ == 0) return {};
  const size_t d = queries_.mean.size();
  const double square = scale_ * scale_;
  std::vector<double> both(d * d);
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const size_t at = i * d + j;
      both[at] = square * (queries_.covariance[at] + queries_.mean[i] * queries_.mean[j]) +
                 keys_.covariance[at] / square;
    }
  }
  const SymmetricEigen eigen(both, queries_.head_dim());
  return PlaneAxes{eigen.vector(0), eigen.vector(1)};
}

std::optional<PlaneAxes> ScorePlanes::components(int64_t first, int64_t second) const {
  if (scale_ == 0) return {};
  PlaneAxes out{std::vector<double>(queries_.mean.size()),
                std::vector<double>(queries_.mean.size())};
  out.x.at(static_cast<size_t>(first)) = 1;
  out.y.at(static_cast<size_t>(second)) = 1;
  return out;
}

// mean(q q') x.
std::vector<double> ScorePlanes::query_product(std::span<const double> x) const {
  std::vector<double> out = symmetric_product(queries_.covariance, x);
  const double along = product_of(queries_.mean, x);
  for (size_t j = 0; j < out.size(); ++j) out[j] += along * queries_.mean[j];
  return out;
}

double ScorePlanes::share(const PlaneAxes& axes) const {
  if (score_square_ == 0) return kNotANumber;
  const std::vector<double>* const axis[] = {&axes.x, &axes.y};
  double with_score = 0;    // mean of S P
  double plane_square = 0;  // mean of P^2
  for (const std::vector<double>* a : axis) {
    const std::vector<double> queries = query_product(*a);
    const std::vector<double> keys = symmetric_product(keys_.covariance, *a);
    with_score += product_of(queries, keys);
    for (const std::vector<double>* b : axis) {
      plane_square += product_of(queries, *b) * product_of(keys, *b);
    }
  }
  return (2 * with_score - plane_square) / score_square_;
}

HeadPlane ScorePlanes::draw(const PlaneAxes& axes, const HeadTable& queries,
                            std::span<const int64_t> query_rows, const HeadTable& keys,
                            std::span<const int64_t> key_rows) const {
  return {project_points(queries, query_rows, {}, scale_, axes),
          project_points(keys, key_rows, keys_.mean, 1 / scale_, axes), share(axes)};
}

}  // namespace qk
