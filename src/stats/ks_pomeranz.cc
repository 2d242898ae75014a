// Pomeranz' recursion: a Poisson process on [0, n] that must stay within n d of the diagonal, taken
// from one time where the allowed counts change to the next.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "stats/ks_distribution.h"

namespace qk {
namespace {

constexpr int kPomeranzScaleBits = 128;

struct Counts {  // inclusive
  int64_t lowest = 0;
  int64_t highest = 0;
};

struct Band {
  int64_t n = 0;
  int64_t whole = 0;    // floor(n d)
  double fraction = 0;  // n d - whole

  // Counts c with A - n d < c < A + n d after step `step`, where the times are A = k + g after the
  // odd steps, k + 1 - g after the even ones, n after the last, and g = min(fraction, 1 -
  // fraction).
  Counts after(int64_t step) const {
    if (step == 2 * n + 1) return {n, n};
    const int64_t k = (step - 1) / 2;
    const bool odd = step % 2 == 1;
    Counts out{k - whole + 1, k + whole};
    if (fraction == 0) {
      if (odd) --out.highest;
      if (!odd) ++out.lowest;
    } else if (fraction > 0.5) {
      if (odd) --out.lowest;
      if (!odd) ++out.highest;
    }
    return {std::max<int64_t>(out.lowest, 0), std::min(out.highest, n)};
  }
};

// mean^i / i! for i = 0..n.
std::vector<double> poisson_weights(double mean, int64_t n) {
  std::vector<double> out = {1.0};
  for (int64_t i = 1; i <= n; ++i) out.push_back(out.back() * mean / static_cast<double>(i));
  return out;
}

}  // namespace

double ks_cdf_pomeranz(int64_t n, double d) {
  const auto size = static_cast<double>(n);
  const double t = size * d;
  const Band band{n, static_cast<int64_t>(std::floor(t)), t - std::floor(t)};
  const double g = std::min(band.fraction, 1 - band.fraction);
  const std::array<std::vector<double>, 3> weights = {poisson_weights(g / size, n),
                                                      poisson_weights(2 * g / size, n),
                                                      poisson_weights((1 - 2 * g) / size, n)};
  std::vector<double> row = {1.0};
  int64_t begin = 0;  // the count of row[0]
  int exponent = 0;
  for (int64_t step = 1; step <= 2 * n + 1; ++step) {
    const bool at_end = step == 1 || step == 2 * n + 1;
    const std::vector<double>& weight = weights[at_end ? 0 : (step % 2 == 1 ? 1 : 2)];
    const Counts counts = band.after(step);
    std::vector<double> next;
    for (int64_t count = counts.lowest; count <= counts.highest; ++count) {
      const int64_t last = std::min(count, begin + std::ssize(row) - 1);
      double sum = 0;
      for (int64_t from = begin; from <= last; ++from) {
        sum += row[static_cast<size_t>(from - begin)] * weight[static_cast<size_t>(count - from)];
      }
      next.push_back(sum);
    }
    row = std::move(next);
    begin = counts.lowest;
    const double top = row.empty() ? 0 : *std::max_element(row.begin(), row.end());
    if (top > 0 && top < std::ldexp(1.0, -kPomeranzScaleBits)) {
      for (double& value : row) value = std::ldexp(value, kPomeranzScaleBits);
      exponent -= kPomeranzScaleBits;
    }
  }
  double cdf = row.empty() ? 0 : row.front();
  for (int64_t i = 1; i <= n; ++i) {  // times n!
    if (cdf > std::ldexp(1.0, kPomeranzScaleBits)) {
      cdf = std::ldexp(cdf, -kPomeranzScaleBits);
      exponent += kPomeranzScaleBits;
    }
    cdf *= static_cast<double>(i);
  }
  return std::ldexp(cdf, exponent);
}

}  // namespace qk
