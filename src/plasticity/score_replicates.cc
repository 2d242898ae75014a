#include "plasticity/score_replicates.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "plasticity/row_blocks.h"

namespace qk {
namespace {

constexpr int64_t kRowsAtOnce = 64;

}  // namespace

WeightedQueries::WeightedQueries(const HeadTable& queries, RowsByDocument group,
                                 std::vector<double> weights, const ResampleCounts& counts)
    : group_(std::move(group)),
      weights_(std::move(weights)),
      dim_(queries.head_dim),
      replicates_(counts.replicates()) {
  QK_CHECK(!group_.rows.empty() && weights_.size() == group_.rows.size());
  const std::span<const int64_t> rows(group_.rows);
  const GatheredRows typical(queries, rows.first(1));
  origin_.assign(typical.view().flat().begin(), typical.view().flat().end());
  const GatheredRows gathered(queries, rows, origin_);
  const std::span<const double> values = gathered.view().flat();
  vectors_.assign(values.begin(), values.end());
  counts_ = counts.gather(0, replicates_, group_.documents);
  weight_.resize(static_cast<size_t>(replicates_));
  squared_weight_.resize(static_cast<size_t>(replicates_));
  const size_t documents = group_.documents.size();
  for (size_t g = 0; g < documents; ++g) {
    double sum = 0;
    double squares = 0;
    for (int64_t i = group_.begins[g]; i < group_.begins[g + 1]; ++i) {
      sum += weights_[static_cast<size_t>(i)];
      squares += weights_[static_cast<size_t>(i)] * weights_[static_cast<size_t>(i)];
    }
    for (size_t r = 0; r < weight_.size(); ++r) {
      weight_[r] += counts_[r * documents + g] * sum;
      squared_weight_[r] += counts_[r * documents + g] * squares;
    }
  }
}

void WeightedQueries::project(const double* block, std::span<double> first,
                              std::span<double> second) const {
  const auto documents = static_cast<int64_t>(group_.documents.size());
  std::vector<double> sums(static_cast<size_t>(documents * kBlockWidth));
  std::vector<double> squares(sums.size());
  double scores[kRowsAtOnce * kBlockWidth];
  int64_t document = 0;
  const auto rows = static_cast<int64_t>(group_.rows.size());
  for (int64_t begin = 0; begin < rows; begin += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, rows - begin);
    multiply_block(vectors_.data() + begin * dim_, dim_, count, dim_, block, scores);
    for (int64_t i = 0; i < count; ++i) {
      while (group_.begins[static_cast<size_t>(document) + 1] <= begin + i) ++document;
      const double weight = weights_[static_cast<size_t>(begin + i)];
      double* sum = sums.data() + document * kBlockWidth;
      double* square = squares.data() + document * kBlockWidth;
      for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
        const double s = scores[i * kBlockWidth + lane];
        sum[lane] += weight * s;
        square[lane] += weight * s * s;
      }
    }
  }
  multiply_block(counts_.data(), documents, replicates_, documents, sums.data(), first.data());
  multiply_block(counts_.data(), documents, replicates_, documents, squares.data(), second.data());
}

}  // namespace qk
