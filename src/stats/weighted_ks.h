// The Kolmogorov-Smirnov distance of a sample whose rows are counted several times, once or not at
// all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// Threads: one at a time. The values are sorted once; every reweighting then takes one pass over
// counts, and evaluates the normal distribution only where the distance can be largest.
class WeightedKs {
 public:
  // documents [rows]: the document of every value.
  WeightedKs(std::span<const double> values, std::span<const int64_t> documents);

  // Largest distance between the distribution function of the values, each as often as its
  // document counts, and the normal one with this mean and deviation.
  //   counts  [documents]
  // REQUIRES: deviation > 0; some row counts.
  double distance(std::span<const uint16_t> counts, double mean, double deviation);

 private:
  double exact(size_t block, double total, double mean, double deviation) const;

  std::vector<double> values_;      // ascending
  std::vector<int32_t> documents_;  // beside values_
  std::vector<double> starts_;      // standardised first value of every block, then the last of all
  std::vector<double> below_;       // Phi of starts_
  std::vector<int64_t> before_;     // rows counted before every block, then all
  std::span<const uint16_t> counts_;
};

}  // namespace qk
