#include "plasticity/score_replicates.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "heads/gathered_rows.h"

namespace qk {
namespace {

constexpr int64_t kScoreRowsAtOnce = 64;
constexpr int64_t kSumsBytes = int64_t{4} << 20;

// The first of the rows.
std::vector<double> typical_row(const HeadTable& queries, std::span<const int64_t> rows) {
  QK_CHECK(!rows.empty());
  const GatheredRows first(queries, rows.first(1));
  return {first.view().flat().begin(), first.view().flat().end()};
}

}  // namespace

WeightedQueries::WeightedQueries(const HeadTable& queries, RowsByDocument group,
                                 std::vector<double> weights, const ResampleCounts& counts)
    : group_(std::move(group)),
      weights_(std::move(weights)),
      origin_(typical_row(queries, group_.rows)),
      vectors_(queries, group_.rows, origin_),
      dim_(queries.head_dim),
      replicates_(counts.replicates()) {
  QK_CHECK(weights_.size() == group_.rows.size());
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

void WeightedQueries::project(const VectorBlocks& differences, std::vector<double>& first,
                              std::vector<double>& second) const {
  const int64_t block_size = replicates_ * kBlockWidth;
  first.resize(static_cast<size_t>(differences.blocks() * block_size));
  second.resize(first.size());
  // As many blocks at once as fit, so that the queries stay in the cache.
  const auto documents = static_cast<int64_t>(group_.documents.size());
  const int64_t at_once = std::max<int64_t>(1, kSumsBytes / (documents * kBlockWidth * 16));
  for (int64_t begin = 0; begin < differences.blocks(); begin += at_once) {
    const int64_t end = std::min(differences.blocks(), begin + at_once);
    const auto offset = static_cast<size_t>(begin * block_size);
    project_blocks(differences, begin, end, std::span(first).subspan(offset),
                   std::span(second).subspan(offset));
  }
}

void WeightedQueries::project_blocks(const VectorBlocks& differences, int64_t begin, int64_t end,
                                     std::span<double> first, std::span<double> second) const {
  const size_t documents = group_.documents.size();
  const size_t block_size = documents * static_cast<size_t>(kBlockWidth);
  std::vector<double> sums(static_cast<size_t>(end - begin) * block_size);
  std::vector<double> squares(sums.size());
  double scores[kScoreRowsAtOnce * kBlockWidth];
  const auto rows = static_cast<int64_t>(group_.rows.size());
  size_t first_document = 0;
  for (int64_t row = 0; row < rows; row += kScoreRowsAtOnce) {
    const int64_t last = std::min(rows, row + kScoreRowsAtOnce);
    while (group_.begins[first_document + 1] <= row) ++first_document;
    for (int64_t b = begin; b < end; ++b) {
      multiply_block(vectors_.view()[row].data(), dim_, last - row, dim_, differences.block(b),
                     scores);
      size_t at = static_cast<size_t>(b - begin) * block_size +
                  first_document * static_cast<size_t>(kBlockWidth);
      int64_t next = row;
      for (size_t g = first_document; next < last; ++g, at += kBlockWidth) {
        const int64_t stop = std::min(last, group_.begins[g + 1]);
        const auto weights = std::span(weights_).subspan(static_cast<size_t>(next),
                                                         static_cast<size_t>(stop - next));
        add_weighted_powers(scores + (next - row) * kBlockWidth, weights, sums.data() + at,
                            squares.data() + at);
        next = stop;
      }
    }
  }
  const auto depth = static_cast<int64_t>(documents);
  for (int64_t b = 0; b < end - begin; ++b) {
    const auto at = static_cast<size_t>(b) * block_size;
    const int64_t out = b * replicates_ * kBlockWidth;
    multiply_block(counts_.data(), depth, replicates_, depth, sums.data() + at, first.data() + out);
    multiply_block(counts_.data(), depth, replicates_, depth, squares.data() + at,
                   second.data() + out);
  }
}

}  // namespace qk
