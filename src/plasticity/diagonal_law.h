// The original's model of the queries: a straight line in position, and a noise that is
// independent in the components of the rotated basis (docs/analysis.md, "Bucket pairs").
#pragma once

#include <vector>

#include "plasticity/query_distribution.h"
#include "plasticity/query_fit.h"

namespace qk {

class DiagonalLaw final : public QueryDistribution {
 public:
  // `fit` must outlive the law. Variances that are not above 0 count as floor.
  DiagonalLaw(const QueryFit& fit, double floor);

  void project(const QueryTime& time, std::span<const double> differences, std::span<double> means,
               std::span<double> variances) override;

 private:
  const QueryFit& fit_;
  std::vector<double> variance_;
  std::vector<double> mean_;
};

}  // namespace qk
