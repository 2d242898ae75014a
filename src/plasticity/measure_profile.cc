#include "plasticity/measure_profile.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "plasticity/head_seeds.h"
#include "plasticity/profile_points.h"
#include "plasticity/score_planes.h"
#include "stats/symmetric_eigen.h"

namespace qk {
namespace {

// The RoPE pair with the highest position share; null if no pair has one.
const RopePairShare* most_positional(std::span<const RopePairShare> pairs) {
  const RopePairShare* out = nullptr;
  for (const RopePairShare& pair : pairs) {
    if (!pair.pair || std::isnan(pair.position_share)) continue;
    if (out == nullptr || pair.position_share > out->position_share) out = &pair;
  }
  return out;
}

std::vector<double> leading_shares(std::span<const double> covariance, int64_t dim) {
  const double trace = trace_of(covariance, dim);
  if (!(trace > 0)) return {};
  std::vector<double> out = SymmetricEigen(covariance, dim).values();
  out.resize(std::min(out.size(), static_cast<size_t>(kMostEigenvalues)));
  for (double& value : out) value = std::max(0.0, value / trace);
  return out;
}

void fill_planes(const ProfileInput& input, const VectorMoments& queries,
                 std::span<const double> residuals, HeadProfile& out) {
  const PlasticityInput& head = input.head;
  const MeasureOptions& options = head.options;
  const int64_t points = *options.profile_points;
  const std::vector<int64_t> query_rows =
      draw_point_rows(head.queries, points, profile_points_seed(options, input.layer, false));
  const std::vector<int64_t> key_rows =
      draw_point_rows(head.keys, points, profile_points_seed(options, input.layer, true));
  out.query_rows = std::make_shared<const PointRows>(point_rows(head.queries, query_rows));
  out.key_rows = std::make_shared<const PointRows>(point_rows(head.keys, key_rows));
  const ScorePlanes planes(head.fit, queries, input.key_moments, residuals);
  const auto draw = [&](const std::optional<PlaneAxes>& axes) {
    if (!axes) return HeadPlane();
    return planes.draw(*axes, head.queries, query_rows, head.keys, key_rows);
  };
  out.beta_plane = draw(planes.along_beta());
  out.joint_plane = draw(planes.joint());
  const RopePairShare* pair = most_positional(input.rope_pairs);
  if (pair == nullptr) return;
  out.rope_plane = draw(planes.components(pair->first_component, *pair->second_component));
  if (!out.rope_plane.queries.empty()) out.rope_pair = pair->pair;
}

}  // namespace

std::vector<double> quantiles_of(std::span<const double> sample, int64_t count) {
  std::vector<double> out(static_cast<size_t>(count), kNotANumber);
  if (sample.empty()) return out;
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < count; ++i) {
    const double level = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const double place = level * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(place);
    const double low = sorted[below];
    const double high = sorted[std::min(below + 1, sorted.size() - 1)];
    out[static_cast<size_t>(i)] = low + (place - static_cast<double>(below)) * (high - low);
  }
  return out;
}

HeadProfile measure_profile(const ProfileInput& input) {
  const PlasticityInput& head = input.head;
  QK_CHECK(head.options.profile_points.has_value());
  HeadProfile out;
  out.beta = head.fit.slope;
  out.residual_quantiles = quantiles_of(input.residuals, kProfileQuantiles);
  out.ks_distance = input.noise.resid0_ks_distance;
  for (const int64_t noise_dim : input.ks_dims) out.noise_components.push_back(noise_dim + 1);
  std::sort(out.noise_components.begin(), out.noise_components.end());
  out.noise_ks_distances = input.noise.ks_distances;
  QK_CHECK(out.noise_ks_distances.size() == out.noise_components.size());
  const VectorMoments queries = vector_moments(head.queries);
  const std::vector<double> residuals = residual_covariance(head.fit, queries);
  out.eigenvalues = leading_shares(residuals, queries.head_dim());
  fill_planes(input, queries, residuals, out);
  return out;
}

int64_t profile_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim) {
  if (!options.profile_points) return 0;
  const int64_t residuals = 2 * rows * 8;                 // in the order of the rows, and sorted
  const int64_t sorted_rows = 2 * rows * 8;               // by bucket, and room to sort
  const int64_t matrices = 12 * head_dim * head_dim * 8;  // moments, and those of three axes
  const int64_t rotations = 3 * head_dim * head_dim * 24;
  const int64_t points = std::min(rows, *options.profile_points) * 128;
  return residuals + sorted_rows + matrices + rotations + points;
}

}  // namespace qk
