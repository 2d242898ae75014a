#include "plasticity/score_replicates.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "stats/float_products.h"

namespace qk {
namespace {

constexpr int64_t kSumsBytes = int64_t{4} << 20;

// The first of the rows.
std::vector<double> typical_row(const HeadTable& queries, std::span<const int64_t> rows) {
  QK_CHECK(!rows.empty());
  const std::span<const float> first = queries.vector(rows.front());
  return {first.begin(), first.end()};
}

// Two blocks of differences side by side in float32; the second may be missing.
//   out  [depth, kFloatBlockWidth]
void join_blocks(const VectorBlocks& differences, int64_t first, int64_t end,
                 std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  for (int64_t b = first; b < std::min(first + 2, end); ++b) {
    const double* block = differences.block(b);
    float* lanes = out.data() + (b - first) * kBlockWidth;
    for (int64_t j = 0; j < differences.depth; ++j) {
      for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
        lanes[j * kFloatBlockWidth + lane] = static_cast<float>(block[j * kBlockWidth + lane]);
      }
    }
  }
}

}  // namespace

WeightedQueries::WeightedQueries(const HeadTable& queries, RowsByDocument group,
                                 std::vector<double> weights, const ResampleCounts& counts)
    : group_(std::move(group)),
      weights_(std::move(weights)),
      origin_(typical_row(queries, group_.rows)),
      dim_(queries.head_dim),
      product_(counts, group_.documents) {
  QK_CHECK(weights_.size() == group_.rows.size());
  vectors_.reserve(group_.rows.size() * static_cast<size_t>(dim_));
  for (const int64_t row : group_.rows) {
    const std::span<const float> x = queries.vector(row);
    for (size_t j = 0; j < x.size(); ++j) {
      vectors_.push_back(static_cast<float>(static_cast<double>(x[j]) - origin_[j]));
    }
  }
  weight_.resize(static_cast<size_t>(counts.replicates()));
  squared_weight_.resize(weight_.size());
  for (size_t g = 0; g < group_.documents.size(); ++g) {
    double sum = 0;
    double squares = 0;
    for (int64_t i = group_.begins[g]; i < group_.begins[g + 1]; ++i) {
      sum += weights_[static_cast<size_t>(i)];
      squares += weights_[static_cast<size_t>(i)] * weights_[static_cast<size_t>(i)];
    }
    for (size_t r = 0; r < weight_.size(); ++r) {
      const double times = product_.times(static_cast<int64_t>(r), static_cast<int64_t>(g));
      weight_[r] += times * sum;
      squared_weight_[r] += times * squares;
    }
  }
}

void WeightedQueries::project(const VectorBlocks& differences, std::vector<double>& first,
                              std::vector<double>& second) const {
  const int64_t block_size = product_.replicates() * kBlockWidth;
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
  std::vector<double> sums(2 * block_size);  // of two blocks, as the products take them
  std::vector<double> squares(sums.size());
  std::vector<float> joined(static_cast<size_t>(dim_ * kFloatBlockWidth));
  for (int64_t b = begin; b < end; b += 2) {
    join_blocks(differences, b, end, joined);
    for (size_t g = 0; g < documents; ++g) {
      const int64_t row = group_.begins[g];
      const auto count = static_cast<size_t>(group_.begins[g + 1] - row);
      std::array<double, kFloatBlockWidth> of_first{};
      std::array<double, kFloatBlockWidth> of_second{};
      add_score_powers(vectors_.data() + row * dim_,
                       std::span(weights_).subspan(static_cast<size_t>(row), count), dim_,
                       joined.data(), of_first.data(), of_second.data());
      for (size_t half = 0; half < 2; ++half) {
        const size_t at = half * block_size + g * kBlockWidth;
        std::copy_n(of_first.begin() + half * kBlockWidth, kBlockWidth, sums.begin() + at);
        std::copy_n(of_second.begin() + half * kBlockWidth, kBlockWidth, squares.begin() + at);
      }
    }
    for (int64_t half = 0; half < std::min<int64_t>(2, end - b); ++half) {
      const int64_t out = (b - begin + half) * product_.replicates() * kBlockWidth;
      const auto at = static_cast<size_t>(half) * block_size;
      product_.multiply(sums.data() + at, first.data() + out);
      product_.multiply(squares.data() + at, second.data() + out);
    }
  }
}

}  // namespace qk
