// An interval from bootstrap replicates.
#pragma once

#include <cstdint>
#include <span>

namespace qk {

enum class IntervalKind : uint8_t {
  kPercentile,
  kBiasCorrected,  // percentiles moved by twice the median's bias
};

struct BootstrapOptions {
  int64_t replicates = 0;  // 0: no error bars
  double confidence = 0.95;
  IntervalKind interval = IntervalKind::kPercentile;
};

struct Interval {
  double low = 0;
  double high = 0;
  double std_error = 0;    // standard deviation of the replicates (n - 1)
  double bias = 0;         // their mean minus the estimate
  int64_t replicates = 0;  // that have a value
};

// From the replicates that are not NaN. kPercentile: their quantiles, linear between neighbours.
// kBiasCorrected: quantiles at Phi(2 z0 +- z), z0 = Phi^-1 of the fraction of replicates below the
// estimate (those equal to it count half). All NaN if the estimate is NaN or fewer than two
// replicates have a value.
Interval bootstrap_interval(double estimate, std::span<const double> replicates,
                            const BootstrapOptions& options);

// x with Phi(x) = p. REQUIRES: 0 < p < 1.
double normal_quantile(double p);

}  // namespace qk
