#include "plasticity/diagonal_law.h"

#include "heads/pair_kernels.h"

namespace qk {

DiagonalLaw::DiagonalLaw(const QueryFit& fit, double floor)
    : fit_(fit), variance_(fit.rotated_residual_variance), mean_(fit.mean.size()) {
  for (double& variance : variance_) {
    if (variance <= 0) variance = floor;
  }
}

void DiagonalLaw::project(const QueryTime& time, std::span<const double> differences,
                          std::span<double> means, std::span<double> variances) {
  for (size_t j = 0; j < mean_.size(); ++j) {
    mean_[j] = fit_.intercept[j] + fit_.slope[j] * time.mean_position;
  }
  project_diagonal(differences, mean_, fit_.reflection, variance_, means, variances);
}

}  // namespace qk
