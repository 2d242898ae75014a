#include "stats/replicate_sums.h"

#include <algorithm>

#include "base/error.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

constexpr int64_t kDocumentsAtOnce = 32;

}  // namespace

ReplicateSums::ReplicateSums(const ResampleCounts& counts, int64_t first, int64_t last,
                             int64_t length)
    : counts_(counts),
      first_(first),
      last_(last),
      length_(length),
      blocks_((length + kBlockWidth - 1) / kBlockWidth) {
  QK_CHECK(0 <= first && first <= last && last <= counts.replicates() && length >= 1);
  batch_.resize(static_cast<size_t>(blocks_ * kDocumentsAtOnce * kBlockWidth));
  sums_.resize(static_cast<size_t>((last - first) * blocks_ * kBlockWidth));
}

void ReplicateSums::add(int64_t document, std::span<const double> numbers) {
  QK_CHECK(static_cast<int64_t>(numbers.size()) == length_);
  const auto slot = static_cast<int64_t>(waiting_.size());
  waiting_.push_back(document);
  for (int64_t b = 0; b < blocks_; ++b) {
    const auto begin = static_cast<size_t>(b * kBlockWidth);
    const size_t count = std::min(static_cast<size_t>(kBlockWidth), numbers.size() - begin);
    std::copy_n(numbers.begin() + static_cast<ptrdiff_t>(begin), count,
                batch_.begin() + (b * kDocumentsAtOnce + slot) * kBlockWidth);
  }
  if (slot + 1 == kDocumentsAtOnce) flush();
}

void ReplicateSums::flush() {
  const auto depth = static_cast<int64_t>(waiting_.size());
  if (depth == 0) return;
  const int64_t rows = last_ - first_;
  const std::vector<double> counts = counts_.gather(first_, last_, waiting_);
  std::vector<double> products(static_cast<size_t>(rows * kBlockWidth));
  for (int64_t b = 0; b < blocks_; ++b) {
    multiply_block(counts.data(), depth, rows, depth,
                   batch_.data() + b * kDocumentsAtOnce * kBlockWidth, products.data());
    for (int64_t r = 0; r < rows; ++r) {
      double* sums = sums_.data() + (r * blocks_ + b) * kBlockWidth;
      for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
        sums[lane] += products[static_cast<size_t>(r * kBlockWidth + lane)];
      }
    }
  }
  waiting_.clear();
}

std::span<const double> ReplicateSums::of(int64_t replicate) const {
  QK_CHECK(waiting_.empty() && first_ <= replicate && replicate < last_);
  return std::span(sums_).subspan(static_cast<size_t>((replicate - first_) * blocks_ * kBlockWidth),
                                  static_cast<size_t>(length_));
}

}  // namespace qk
