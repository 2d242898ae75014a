#include "plasticity/position_share.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plasticity/bucket_effects.h"
#include "stats/replicate_sums.h"

namespace qk {
namespace {

constexpr int64_t kReplicateBytes = int64_t{32} << 20;

// The sums of one document after the other.
class DocumentSums {
 public:
  DocumentSums(const HeadTable& queries, const QueryFit& fit, const DocumentBuckets& spread)
      : queries_(queries),
        spread_(spread),
        origin_(fit.mean),
        dim_(static_cast<size_t>(queries.head_dim)),
        buckets_(spread.buckets.size() * dim_),
        total_(dim_),
        squares_(dim_) {}

  void take(int64_t document) {
    for (const auto& count : last_) std::ranges::fill(in_bucket(count.bucket), 0.0);
    std::ranges::fill(total_, 0.0);
    std::ranges::fill(squares_, 0.0);
    last_ = spread_.counts_of(document);
    for (const int64_t row : spread_.rows_of(document)) {
      add_row(queries_.vector(row).data(),
              in_bucket(spread_.bucket_of_row[static_cast<size_t>(row)]).data());
    }
    rows_ = static_cast<double>(spread_.rows_of(document).size());
    for (const auto& count : last_) {
      const std::span<double> sums = in_bucket(count.bucket);
      for (size_t j = 0; j < dim_; ++j) total_[j] += sums[j];
    }
    for (const auto& count : last_) {
      const std::span<double> sums = in_bucket(count.bucket);
      for (size_t j = 0; j < dim_; ++j) sums[j] -= count.rows / rows_ * total_[j];
    }
  }

  std::span<const double> buckets() const {
    return buckets_;
  }  // [buckets, head_dim]: of deviations
  std::span<const double> total() const { return total_; }  // [head_dim], from the fit's mean
  double square_sum() const { return std::reduce(squares_.begin(), squares_.end()); }
  // Population variance of the document's rows.
  double variance(size_t j) const {
    return std::max(0.0, squares_[j] / rows_ - total_[j] * total_[j] / (rows_ * rows_));
  }

 private:
  std::span<double> in_bucket(int64_t bucket) {
    return std::span(buckets_).subspan(static_cast<size_t>(bucket) * dim_, dim_);
  }

  void add_row(const float* __restrict x, double* __restrict sums) {
    const double* __restrict origin = origin_.data();
    double* __restrict squares = squares_.data();
    for (size_t j = 0; j < dim_; ++j) {
      const double y = static_cast<double>(x[j]) - origin[j];
      sums[j] += y;
      squares[j] += y * y;
    }
  }

  const HeadTable& queries_;
  const DocumentBuckets& spread_;
  std::span<const double> origin_;
  size_t dim_;
  std::vector<double> buckets_;
  std::vector<double> total_;
  std::vector<double> squares_;
  double rows_ = 0;
  std::span<const DocumentBuckets::Count> last_;
};

// The shares of the replicates [first, last).
void add_shares(const HeadTable& queries, const QueryFit& fit, const DocumentBuckets& spread,
                const ResampleCounts& counts, int64_t first, int64_t last,
                std::vector<double>& out) {
  const auto dim = static_cast<size_t>(queries.head_dim);
  const size_t bucket_numbers = spread.buckets.size() * dim;
  std::vector<double> numbers(bucket_numbers + dim + 2);
  std::vector<double> variances;
  ReplicateSums sums(counts, first, last, static_cast<int64_t>(numbers.size()));
  DocumentSums document(queries, fit, spread);
  for (int64_t d = 0; d < spread.num_documents(); ++d) {
    document.take(d);
    std::ranges::copy(document.buckets(), numbers.begin());
    std::ranges::copy(document.total(), numbers.begin() + static_cast<ptrdiff_t>(bucket_numbers));
    numbers[bucket_numbers + dim] = document.square_sum();
    numbers[bucket_numbers + dim + 1] = static_cast<double>(spread.rows_of(d).size());
    sums.add(spread.documents[static_cast<size_t>(d)], numbers);
    double variance = 0;
    for (size_t j = 0; j < dim; ++j) variance += document.variance(j);
    variances.push_back(variance);
  }
  sums.finish();
  for (int64_t replicate = first; replicate < last; ++replicate) {
    const auto times = [&](int64_t d) {
      return counts.at(replicate, spread.documents[static_cast<size_t>(d)]);
    };
    const std::span<const double> of = sums.of(replicate);
    const BucketEffects effects(spread, times);
    if (effects.freedom() == 0) {
      out.push_back(kNotANumber);
      continue;
    }
    double chance = 0;          // the copies of a document change places together
    double of_independent = 0;  // each on its own
    for (int64_t d = 0; d < spread.num_documents(); ++d) {
      const double c = times(d);
      if (c == 0) continue;
      const double part = variances[static_cast<size_t>(d)] * effects.chance(d).buckets;
      chance += c * c * part;
      of_independent += c * part;
    }
    const std::vector<double> explained =
        effects.squares(of.first(bucket_numbers), queries.head_dim).buckets;
    double total = of[bucket_numbers + dim];
    for (const double sum : of.subspan(bucket_numbers, dim)) total -= sum * sum / of.back();
    const double buckets = std::reduce(explained.begin(), explained.end());
    const double rest = total - of_independent;
    out.push_back(rest > 0 ? (buckets - chance) / rest : kNotANumber);
  }
}

}  // namespace

double PositionSquares::line_share() const {
  if (freedom == 0) return kNotANumber;
  const double deviation = all.chance * std::sqrt(2 / static_cast<double>(freedom));
  const double beyond = all.buckets - all.chance;
  if (!(beyond > 3 * deviation)) return kNotANumber;
  return std::clamp((line - line_chance) / beyond, 0.0, 1.0);
}

PositionSquares position_squares(const HeadTable& queries, const QueryFit& fit,
                                 const DocumentBuckets& spread) {
  const auto dim = static_cast<size_t>(queries.head_dim);
  const BucketEffects effects(spread, [](int64_t) { return 1.0; });
  PositionSquares out;
  out.freedom = effects.freedom();
  out.components.resize(dim);
  std::vector<double> sums(spread.buckets.size() * dim);
  DocumentSums document(queries, fit, spread);
  for (int64_t d = 0; d < spread.num_documents(); ++d) {
    document.take(d);
    const BucketEffects::Chance chance = effects.chance(d);
    for (const auto& count : spread.counts_of(d)) {
      const size_t begin = static_cast<size_t>(count.bucket) * dim;
      for (size_t j = begin; j < begin + dim; ++j) sums[j] += document.buckets()[j];
    }
    for (size_t j = 0; j < dim; ++j) {
      const double variance = document.variance(j);
      out.components[j].chance += variance * chance.buckets;
      out.line_chance += variance * chance.line;
    }
  }
  const BucketEffects::Squares squares = effects.squares(sums, queries.head_dim);
  out.line = std::reduce(squares.line.begin(), squares.line.end());
  for (size_t j = 0; j < dim; ++j) {
    ExplainedSquares& component = out.components[j];
    component.total = fit.total_ss[j];
    component.buckets = squares.buckets[j];
    out.all.total += component.total;
    out.all.buckets += component.buckets;
    out.all.chance += component.chance;
  }
  return out;
}

std::vector<double> position_share_replicates(const HeadTable& queries, const QueryFit& fit,
                                              const DocumentBuckets& spread,
                                              const ResampleCounts& counts) {
  std::vector<double> out;
  const int64_t numbers = spread.num_buckets() * queries.head_dim;
  const int64_t at_once = std::max<int64_t>(1, kReplicateBytes / (8 * numbers));
  for (int64_t first = 0; first < counts.replicates(); first += at_once) {
    add_shares(queries, fit, spread, counts, first, std::min(counts.replicates(), first + at_once),
               out);
  }
  return out;
}

}  // namespace qk
