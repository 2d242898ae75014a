#include "stats/weighted_ks.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

constexpr size_t kBlockRows = 32;

}  // namespace

WeightedKs::WeightedKs(std::span<const double> values, std::span<const int64_t> documents) {
  QK_CHECK(values.size() == documents.size() && !values.empty());
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return values[static_cast<size_t>(a)] < values[static_cast<size_t>(b)];
  });
  for (int32_t row : order) {
    values_.push_back(values[static_cast<size_t>(row)]);
    documents_.push_back(static_cast<int32_t>(documents[static_cast<size_t>(row)]));
  }
  const size_t blocks = (values_.size() + kBlockRows - 1) / kBlockRows;
  starts_.resize(blocks + 1);
  below_.resize(blocks + 1);
  before_.resize(blocks + 1);
}

double WeightedKs::exact(size_t block, double total, double mean, double deviation) const {
  const size_t begin = block * kBlockRows;
  const size_t end = std::min(values_.size(), begin + kBlockRows);
  auto counted = static_cast<double>(before_[block]);
  double z[kBlockRows];
  for (size_t i = begin; i < end; ++i) z[i - begin] = (values_[i] - mean) / deviation;
  const std::span<double> probabilities(z, end - begin);
  normal_cdf(probabilities, 1, probabilities);
  double out = 0;
  for (size_t i = begin; i < end; ++i) {
    const double count = counts_[static_cast<size_t>(documents_[i])];
    if (count == 0) continue;
    out = std::max(out, probabilities[i - begin] - counted / total);
    counted += count;
    out = std::max(out, counted / total - probabilities[i - begin]);
  }
  return out;
}

double WeightedKs::distance(std::span<const uint16_t> counts, double mean, double deviation) {
  counts_ = counts;
  const size_t blocks = starts_.size() - 1;
  int64_t counted = 0;
  for (size_t b = 0; b < blocks; ++b) {
    before_[b] = counted;
    starts_[b] = (values_[b * kBlockRows] - mean) / deviation;
    const size_t end = std::min(values_.size(), (b + 1) * kBlockRows);
    for (size_t i = b * kBlockRows; i < end; ++i) {
      counted += counts[static_cast<size_t>(documents_[i])];
    }
  }
  before_[blocks] = counted;
  starts_[blocks] = (values_.back() - mean) / deviation;
  QK_CHECK(counted > 0);
  normal_cdf(starts_, 1, below_);
  const auto total = static_cast<double>(counted);
  // Within a block both functions only rise, so its ends bound the distance.
  std::vector<std::pair<double, size_t>> bounds;
  for (size_t b = 0; b < blocks; ++b) {
    const double above = static_cast<double>(before_[b + 1]) / total - below_[b];
    const double under = below_[b + 1] - static_cast<double>(before_[b]) / total;
    bounds.emplace_back(std::max(above, under), b);
  }
  std::make_heap(bounds.begin(), bounds.end());
  double best = 0;
  while (!bounds.empty() && bounds.front().first > best) {
    best = std::max(best, exact(bounds.front().second, total, mean, deviation));
    std::pop_heap(bounds.begin(), bounds.end());
    bounds.pop_back();
  }
  return best;
}

}  // namespace qk
