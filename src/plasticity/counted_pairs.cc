#include "plasticity/counted_pairs.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "heads/row_runs.h"
#include "plasticity/bucket_pairs.h"

namespace qk {
namespace {

using LaneCounts = std::array<float, kFloatBlockWidth>;

double score(std::span<const float> query, std::span<const float> first,
             std::span<const float> second) {
  double sum = 0;
  for (size_t j = 0; j < query.size(); ++j) {
    sum += static_cast<double>(query[j]) *
           (static_cast<double>(first[j]) - static_cast<double>(second[j]));
  }
  return sum;
}

bool attends(const HeadTable& queries, int64_t position, int64_t key_position) {
  if (position < key_position) return false;
  const auto window = queries.window;
  return !window || *window <= 0 || position - key_position < *window;
}

class CountedPairs {
 public:
  explicit CountedPairs(const PlasticityInput& input)
      : input_(input),
        sorted_(sorted_rows(input.queries.buckets)),
        buckets_(row_runs(input.queries.buckets, sorted_)) {}

  void judge(const BucketPairDraw& draw, std::span<double> values) {
    if (bucket_ != draw.time.bucket) enter(draw.time.bucket);
    if (input_.options.counted_queries == CountedQueries::kSameDocument) {
      for (size_t n = 0; n < values.size(); ++n) {
        values[n] = same_document_plasticity(input_, *voters_, draw.pairs[n]);
      }
      return;
    }
    const FloatBlocks differences = float_differences(input_.keys, draw.pairs);
    const auto queries = static_cast<double>(voters_->group().rows.size());
    for (int64_t b = 0; b < differences.blocks(); ++b) {
      LaneCounts preferring{};
      LaneCounts undecided{};
      voters_->count_all(differences.block(b), preferring.data(), undecided.data());
      const auto first = static_cast<size_t>(b * kFloatBlockWidth);
      for (size_t n = first; n < std::min(values.size(), first + kFloatBlockWidth); ++n) {
        values[n] = are_equal_keys(input_.keys, draw.pairs[n])
                        ? kNotANumber
                        : counted_plasticity(queries, preferring[n - first], undecided[n - first]);
      }
    }
  }

 private:
  void enter(int64_t bucket) {
    bucket_ = bucket;
    for (const RowRun& run : buckets_) {
      if (run.value == bucket) {
        voters_.emplace(input_.queries, run.rows, input_.documents->of_query);
      }
    }
  }

  const PlasticityInput& input_;
  std::vector<int64_t> sorted_;
  std::vector<RowRun> buckets_;
  std::optional<int64_t> bucket_;
  std::optional<BucketVoters> voters_;
};

}  // namespace

double counted_plasticity(double queries, double preferring, double undecided) {
  if (queries < 2) return kNotANumber;
  const double first = preferring + undecided / 2;
  return 4 * (first * (queries - first) - undecided / 4) / (queries * (queries - 1));
}

FloatBlocks float_differences(const HeadTable& keys, std::span<const KeyPair> pairs) {
  std::vector<float> out;
  out.reserve(pairs.size() * static_cast<size_t>(keys.head_dim));
  for (const KeyPair& pair : pairs) {
    const std::span<const float> first = keys.vector(pair.first);
    const std::span<const float> second = keys.vector(pair.second);
    for (size_t j = 0; j < first.size(); ++j) out.push_back(first[j] - second[j]);
  }
  return {out, keys.head_dim};
}

bool are_equal_keys(const HeadTable& keys, const KeyPair& pair) {
  return std::ranges::equal(keys.vector(pair.first), keys.vector(pair.second));
}

BucketVoters::BucketVoters(const HeadTable& queries, std::span<const int64_t> rows,
                           std::span<const int64_t> documents_of_rows)
    : group_(group_by_document(rows, documents_of_rows)), head_dim_(queries.head_dim) {
  vectors_.reserve(group_.rows.size() * static_cast<size_t>(head_dim_));
  for (const int64_t row : group_.rows) {
    const std::span<const float> vector = queries.vector(row);
    vectors_.insert(vectors_.end(), vector.begin(), vector.end());
  }
}

void BucketVoters::count(int64_t place, const float* block, float* preferring,
                         float* undecided) const {
  const int64_t begin = group_.begins[static_cast<size_t>(place)];
  const int64_t end = group_.begins[static_cast<size_t>(place) + 1];
  count_preferences(vectors_.data() + begin * head_dim_, end - begin, head_dim_, block, preferring,
                    undecided);
}

void BucketVoters::count_all(const float* block, float* preferring, float* undecided) const {
  count_preferences(vectors_.data(), std::ssize(group_.rows), head_dim_, block, preferring,
                    undecided);
}

double same_document_plasticity(const PlasticityInput& input, const BucketVoters& voters,
                                const KeyPair& pair) {
  if (are_equal_keys(input.keys, pair)) return kNotANumber;
  const RowsByDocument& group = voters.group();
  const auto first = static_cast<size_t>(pair.first);
  const auto second = static_cast<size_t>(pair.second);
  const int64_t document = input.documents->of_key[first];
  const auto found = std::lower_bound(group.documents.begin(), group.documents.end(), document);
  if (found == group.documents.end() || *found != document) return kNotANumber;
  const auto place = static_cast<size_t>(found - group.documents.begin());
  double queries = 0;
  double preferring = 0;
  double undecided = 0;
  for (int64_t i = group.begins[place]; i < group.begins[place + 1]; ++i) {
    const int64_t row = group.rows[static_cast<size_t>(i)];
    const int64_t position = input.queries.positions[static_cast<size_t>(row)];
    if (!attends(input.queries, position, input.keys.positions[first])) continue;
    if (!attends(input.queries, position, input.keys.positions[second])) continue;
    const double s = score(input.queries.vector(row), input.keys.vector(pair.first),
                           input.keys.vector(pair.second));
    queries += 1;
    preferring += s > 0 ? 1 : 0;
    undecided += s == 0 ? 1 : 0;
  }
  return counted_plasticity(queries, preferring, undecided);
}

PlasticityResult measure_counted(const PlasticityInput& input) {
  if (input.documents == nullptr) {  // every row is its own document: there are no pairs
    return average_bucket_pairs(input, [](const BucketPairDraw&, std::span<double>) {});
  }
  CountedPairs pairs(input);
  return average_bucket_pairs(input, [&](const BucketPairDraw& draw, std::span<double> values) {
    pairs.judge(draw, values);
  });
}

}  // namespace qk
