// The method `linear` with full covariance: docs/methods.md.
#pragma once

#include "heads/head_table.h"
#include "plasticity/gaussian_law.h"
#include "plasticity/query_distribution.h"
#include "plasticity/query_fit.h"

namespace qk {

// Mean on the fitted line, at the mean position of the bucket's queries; the covariance of the
// residuals, the same everywhere, divided by rows - 2 (rows - 1 if all positions are equal, when
// there is no slope). NaN if that leaves no degree of freedom.
class LinearFullLaw final : public QueryDistribution {
 public:
  // REQUIRES: fit is of `queries`; it must outlive the law.
  LinearFullLaw(const HeadTable& queries, const QueryFit& fit);

  void project(const QueryTime& time, std::span<const double> differences, std::span<double> means,
               std::span<double> variances) override;
  // position: relative to fit.position_origin.
  const GaussianLaw& at(double position);

 private:
  const QueryFit& fit_;
  GaussianLaw law_;
};

}  // namespace qk
