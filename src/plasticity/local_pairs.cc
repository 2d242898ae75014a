#include "plasticity/local_pairs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace qk {

int64_t local_reach(int64_t length, double fraction) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::floor(fraction * static_cast<double>(length))));
}

namespace {

struct RowRange {  // [first, last]
  int64_t first = 0;
  int64_t last = 0;
};

RowRange within_reach(const LocalDocument& document, int64_t anchor) {
  if (document.positions.empty()) {
    return {std::max<int64_t>(0, anchor - document.reach),
            std::min(document.length - 1, anchor + document.reach)};
  }
  const std::span<const int64_t> positions = document.positions;
  const int64_t at = positions[static_cast<size_t>(anchor)];
  const auto low = std::lower_bound(positions.begin(), positions.end(), at - document.reach);
  const auto high = std::upper_bound(positions.begin(), positions.end(), at + document.reach);
  return {low - positions.begin(), high - positions.begin() - 1};
}

bool has_pair(const LocalDocument& document) {
  for (int64_t row = 0; row + 1 < document.length; ++row) {
    if (within_reach(document, row).last > row) return true;
  }
  return false;
}

}  // namespace

LocalPairSampler::LocalPairSampler(std::vector<LocalDocument> documents)
    : documents_(std::move(documents)) {
  double total = 0;
  for (const LocalDocument& document : documents_) {
    QK_CHECK(document.reach >= 1 && document.length >= 0);
    QK_CHECK(document.positions.empty() ||
             static_cast<int64_t>(document.positions.size()) == document.length);
    total += static_cast<double>(document.length);
    can_draw_ = can_draw_ || has_pair(document);
  }
  double sum = 0;
  for (const LocalDocument& document : documents_) {
    // As numpy's choice(p=): cumulative sums of the probabilities, divided by the last.
    sum += static_cast<double>(document.length) / total;
    cumulative_.push_back(sum);
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
  const int64_t number = at - cumulative_.begin();
  const LocalDocument& document = documents_[static_cast<size_t>(number)];
  if (document.length < 2) return std::nullopt;
  const int64_t anchor = generator.integers(document.length);
  const RowRange near = within_reach(document, anchor);
  if (near.first == near.last) return std::nullopt;
  int64_t neighbour = near.first + generator.integers(near.last - near.first);
  if (neighbour >= anchor) ++neighbour;
  if (generator.random() < 0.5) return LocalPair{number, anchor, neighbour};
  return LocalPair{number, neighbour, anchor};
}

}  // namespace qk
