#include "plasticity/linear_law.h"

#include <algorithm>
#include <limits>

#include "plasticity/law_projection.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

constexpr int64_t kLinearRowsAtOnce = 64;

}  // namespace

LinearFullLaw::LinearFullLaw(const HeadTable& queries, const QueryFit& fit) : fit_(fit) {
  const auto d = static_cast<size_t>(queries.head_dim);
  law_.mean.resize(d);
  law_.covariance.resize(d * d);
  const int64_t n = queries.num_rows();
  std::vector<double> residuals(static_cast<size_t>(kLinearRowsAtOnce) * d);
  const std::vector<double> ones(static_cast<size_t>(kLinearRowsAtOnce), 1.0);
  for (int64_t begin = 0; begin < n; begin += kLinearRowsAtOnce) {
    const int64_t count = std::min(kLinearRowsAtOnce, n - begin);
    for (int64_t r = 0; r < count; ++r) {
      const std::span<const float> x = queries.vector(begin + r);
      const double moved = fit.centered_positions[static_cast<size_t>(begin + r)];
      for (size_t j = 0; j < d; ++j) {
        residuals[static_cast<size_t>(r) * d + j] =
            static_cast<double>(x[j]) - fit.mean[j] - fit.slope[j] * moved;
      }
    }
    add_outer_products({residuals.data(), {count, queries.head_dim}},
                       std::span(ones).first(static_cast<size_t>(count)), law_.covariance);
  }
  const int64_t freedom = n - (fit.position_ss > 0 ? 2 : 1);
  const double scale =
      freedom > 0 ? 1 / static_cast<double>(freedom) : std::numeric_limits<double>::quiet_NaN();
  for (double& value : law_.covariance) value *= scale;
}

const GaussianLaw& LinearFullLaw::at(double position) {
  for (size_t j = 0; j < law_.mean.size(); ++j) {
    law_.mean[j] = fit_.mean[j] + fit_.slope[j] * (position - fit_.mean_position);
  }
  return law_;
}

void LinearFullLaw::project(const QueryTime& time, std::span<const double> differences,
                            std::span<double> means, std::span<double> variances) {
  project_law(at(time.mean_position), differences, means, variances);
}

}  // namespace qk
