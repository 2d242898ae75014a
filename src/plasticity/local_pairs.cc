#include "plasticity/local_pairs.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace qk {

int64_t local_reach(int64_t length, double fraction) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::floor(fraction * static_cast<double>(length))));
}

LocalPairSampler::LocalPairSampler(std::span<const int64_t> lengths, std::span<const int64_t> reach)
    : lengths_(lengths.begin(), lengths.end()), reach_(reach.begin(), reach.end()) {
  QK_CHECK(lengths.size() == reach.size());
  double total = 0;
  for (int64_t length : lengths_) total += static_cast<double>(length);
  double sum = 0;
  for (int64_t length : lengths_) {
    // As numpy's choice(p=): cumulative sums of the probabilities, divided by the last.
    sum += static_cast<double>(length) / total;
    cumulative_.push_back(sum);
    can_draw_ = can_draw_ || length >= 2;
  }
  for (double& value : cumulative_) value /= sum;
}

LocalPair LocalPairSampler::draw(NumpyGenerator& generator) const {
  QK_CHECK(can_draw_);
  while (true) {
    if (const std::optional<LocalPair> pair = attempt(generator)) return *pair;
  }
}

std::optional<LocalPair> LocalPairSampler::attempt(NumpyGenerator& generator) const {
  const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), generator.random());
  const int64_t document = at - cumulative_.begin();
  const int64_t length = lengths_[static_cast<size_t>(document)];
  if (length < 2) return std::nullopt;
  const int64_t reach = reach_[static_cast<size_t>(document)];
  const int64_t anchor = generator.integers(length);
  const int64_t low = std::max<int64_t>(0, anchor - reach);
  const int64_t high = std::min(length - 1, anchor + reach);
  int64_t neighbour = low + generator.integers(high - low);
  if (neighbour >= anchor) ++neighbour;
  if (generator.random() < 0.5) return LocalPair{document, anchor, neighbour};
  return LocalPair{document, neighbour, anchor};
}

}  // namespace qk
