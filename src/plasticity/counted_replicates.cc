#include <algorithm>
#include <array>
#include <optional>

#include "heads/row_runs.h"
#include "plasticity/bucket_pair_walk.h"
#include "plasticity/counted_pairs.h"
#include "plasticity/method_replicates.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

// Every replicate counts the preferences of each document as often as it has the document.
class CountedReplicates {
 public:
  explicit CountedReplicates(const ReplicateInput& input)
      : input_(input),
        sorted_(sorted_rows(input.head.queries.buckets)),
        buckets_(row_runs(input.head.queries.buckets, sorted_)),
        average_(input.counts),
        values_(static_cast<size_t>(input.counts.replicates())) {}

  void take(const BucketPairDraw& draw) {
    if (draw.pairs.empty()) return;
    if (bucket_ != draw.time.bucket) enter(draw.time.bucket);
    average_.enter_cell(draw.time.bucket, draw.k_bucket);
    if (input_.head.options.counted_queries == CountedQueries::kSameDocument) {
      take_same_document(draw);
    } else {
      take_all(draw);
    }
    average_.end_group();
  }

  PlasticityReplicates result() const { return average_.result(); }

 private:
  void enter(int64_t bucket) {
    bucket_ = bucket;
    for (const RowRun& run : buckets_) {
      if (run.value == bucket) {
        voters_.emplace(input_.head.queries, run.rows, input_.documents.of_query);
      }
    }
    const RowsByDocument& group = voters_->group();
    const std::span<const int64_t> documents = group.documents;
    times_ = input_.counts.gather(0, input_.counts.replicates(), documents);
    queries_.assign(values_.size(), 0.0);
    for (size_t r = 0; r < values_.size(); ++r) {
      for (size_t g = 0; g < documents.size(); ++g) {
        queries_[r] += times_[r * documents.size() + g] *
                       static_cast<double>(group.begins[g + 1] - group.begins[g]);
      }
    }
  }

  // A pair is asked of its own document only, so its value is the same in every replicate.
  void take_same_document(const BucketPairDraw& draw) {
    for (const KeyPair& pair : draw.pairs) {
      const double value = same_document_plasticity(input_.head, *voters_, pair);
      std::fill(values_.begin(), values_.end(), value);
      average_.add_values(document_of(pair), values_);
    }
  }

  void take_all(const BucketPairDraw& draw) {
    const FloatBlocks differences = float_differences(input_.head.keys, draw.pairs);
    for (int64_t b = 0; b < differences.blocks(); ++b) {
      count_block(differences.block(b));
      const auto first = static_cast<size_t>(b * kFloatBlockWidth);
      const size_t end = std::min(draw.pairs.size(), first + kFloatBlockWidth);
      for (size_t n = first; n < end; ++n) add_pair(draw.pairs[n], n - first);
    }
  }

  // The numbers of every replicate, from those of every document.
  void count_block(const float* block) {
    const size_t documents = voters_->group().documents.size();
    for (size_t half = 0; half < kHalves; ++half) {
      for (auto* counts : {&preferring_of_[half], &undecided_of_[half]}) {
        counts->assign(documents * kBlockWidth, 0.0);
      }
      preferring_[half].resize(values_.size() * kBlockWidth);
      undecided_[half].resize(values_.size() * kBlockWidth);
    }
    for (size_t g = 0; g < documents; ++g) {
      std::array<float, kFloatBlockWidth> preferring{};
      std::array<float, kFloatBlockWidth> undecided{};
      voters_->count(static_cast<int64_t>(g), block, preferring.data(), undecided.data());
      for (size_t lane = 0; lane < preferring.size(); ++lane) {
        const size_t half = lane / kBlockWidth;
        preferring_of_[half][g * kBlockWidth + lane % kBlockWidth] = preferring[lane];
        undecided_of_[half][g * kBlockWidth + lane % kBlockWidth] = undecided[lane];
      }
    }
    const auto depth = static_cast<int64_t>(documents);
    const int64_t replicates = input_.counts.replicates();
    for (size_t half = 0; half < kHalves; ++half) {
      multiply_block(times_.data(), depth, replicates, depth, preferring_of_[half].data(),
                     preferring_[half].data());
      multiply_block(times_.data(), depth, replicates, depth, undecided_of_[half].data(),
                     undecided_[half].data());
    }
  }

  void add_pair(const KeyPair& pair, size_t lane) {
    if (are_equal_keys(input_.head.keys, pair)) return;
    const size_t half = lane / kBlockWidth;
    for (size_t r = 0; r < values_.size(); ++r) {
      const size_t at = r * kBlockWidth + lane % kBlockWidth;
      values_[r] = counted_plasticity(queries_[r], preferring_[half][at], undecided_[half][at]);
    }
    average_.add_values(document_of(pair), values_);
  }

  int64_t document_of(const KeyPair& pair) const {
    return input_.documents.of_key[static_cast<size_t>(pair.first)];
  }

  static constexpr size_t kHalves = kFloatBlockWidth / kBlockWidth;
  using Halves = std::array<std::vector<double>, kHalves>;

  const ReplicateInput& input_;
  std::vector<int64_t> sorted_;
  std::vector<RowRun> buckets_;
  PlasticityAverage average_;
  std::vector<double> values_;  // [replicates], of the pair
  std::optional<int64_t> bucket_;
  std::optional<BucketVoters> voters_;
  std::vector<double> times_;    // [replicates, documents of the bucket]
  std::vector<double> queries_;  // [replicates], in the bucket
  Halves preferring_of_;         // [documents, kBlockWidth], of the block
  Halves undecided_of_;
  Halves preferring_;  // [replicates, kBlockWidth], of the block
  Halves undecided_;
};

}  // namespace

PlasticityReplicates counted_replicates(const ReplicateInput& input) {
  CountedReplicates replicates(input);
  for_each_bucket_pair(input.head, [&](const BucketPairDraw& draw) { replicates.take(draw); });
  return replicates.result();
}

}  // namespace qk
