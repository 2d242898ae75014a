#include <algorithm>
#include <array>
#include <cmath>

#include "heads/column_kernels.h"
#include "plasticity/metric_replicates.h"
#include "stats/median.h"
#include "stats/moments.h"
#include "stats/replicate_sums.h"

namespace qk {
namespace {

// u^a t^b with a + b <= 4.
struct Monomial {
  int u;
  int t;
};
constexpr auto kMonomials = std::to_array<Monomial>({{0, 0},
                                                     {1, 0},
                                                     {0, 1},
                                                     {2, 0},
                                                     {1, 1},
                                                     {0, 2},
                                                     {3, 0},
                                                     {2, 1},
                                                     {1, 2},
                                                     {0, 3},
                                                     {4, 0},
                                                     {3, 1},
                                                     {2, 2},
                                                     {1, 3},
                                                     {0, 4}});

double power(double x, int exponent) {
  double out = 1;
  for (int i = 0; i < exponent; ++i) out *= x;
  return out;
}

void add_monomials(double u, double t, std::array<double, kMonomials.size()>& sums) {
  for (size_t m = 0; m < kMonomials.size(); ++m) {
    sums[m] += power(u, kMonomials[m].u) * power(t, kMonomials[m].t);
  }
}

// What is left of u after its line over t, from the sums of monomials over rows. u is small already:
// the residuals of a line near this one.
class LineResiduals {
 public:
  explicit LineResiduals(std::span<const double> sums) : sums_(sums), rows_(sums[0]) {
    const double u = sums[1];
    const double t = sums[2];
    position_ss_ = std::max(0.0, sums[5] - t * t / rows_);
    slope_ = position_ss_ > 0 ? (sums[4] - t * u / rows_) / position_ss_ : 0;
    shift_ = (slope_ * t - u) / rows_;
  }

  double slope() const { return slope_; }
  double position_ss() const { return position_ss_; }

  // Of u - slope t + shift.
  CentralMoments moments() const {
    double powers[4] = {};
    for (int k = 1; k <= 4; ++k) powers[k - 1] = sum_of_powers(k);
    return central_moments(std::llround(rows_), powers);
  }

 private:
  // Expanded: the sum over a + b + c = k of k! / (a! b! c!) u^a (-slope t)^b shift^c.
  double sum_of_powers(int k) const {
    constexpr double kFactorials[] = {1, 1, 2, 6, 24};
    double out = 0;
    for (size_t m = 0; m < kMonomials.size(); ++m) {
      const int rest = k - kMonomials[m].u - kMonomials[m].t;
      if (rest < 0) continue;
      const double ways = kFactorials[k] / (kFactorials[kMonomials[m].u] *
                                            kFactorials[kMonomials[m].t] * kFactorials[rest]);
      out += ways * power(-slope_, kMonomials[m].t) * power(shift_, rest) * sums_[m];
    }
    return out;
  }

  std::span<const double> sums_;
  double rows_;
  double position_ss_ = 0;
  double slope_ = 0;
  double shift_ = 0;
};

class NoiseReplicates {
 public:
  NoiseReplicates(const QueryReplicateInput& input, const NoiseOptions& options)
      : input_(input),
        options_(options),
        group_(group_by_document(all_rows(), input.documents.of_query)) {
    const auto replicates = static_cast<size_t>(input.counts.replicates());
    skews_.resize(replicates);
    kurtoses_.resize(replicates);
    count_rows();
  }

  void take_column(int64_t j, std::span<const double> column) {
    ReplicateSums sums(input_.counts, 0, input_.counts.replicates(), 4);
    for (size_t g = 0; g < group_.documents.size(); ++g) {
      double powers[4] = {};
      for (int64_t i = group_.begins[g]; i < group_.begins[g + 1]; ++i) {
        const double x = column[static_cast<size_t>(group_.rows[static_cast<size_t>(i)])];
        powers[0] += x;
        powers[1] += x * x;
        powers[2] += x * x * x;
        powers[3] += x * x * x * x;
      }
      sums.add(group_.documents[g], powers);
    }
    sums.finish();
    for (size_t r = 0; r < skews_.size(); ++r) judge(r, j, sums.of(static_cast<int64_t>(r)));
  }

  // Component 0: residuals of the replicate's own line.
  void take_first(std::span<const double> column, std::span<HeadMetrics> out) {
    const double sample_slope = input_.fit.rotated_slope.front();
    const double spread = position_scale();
    ReplicateSums sums(input_.counts, 0, input_.counts.replicates(), kMonomials.size());
    for (size_t g = 0; g < group_.documents.size(); ++g) {
      std::array<double, kMonomials.size()> of_document{};
      for (int64_t i = group_.begins[g]; i < group_.begins[g + 1]; ++i) {
        const auto row = static_cast<size_t>(group_.rows[static_cast<size_t>(i)]);
        const double t = input_.fit.centered_positions[row];
        add_monomials(column[row] - sample_slope * t, t / spread, of_document);
      }
      sums.add(group_.documents[g], of_document);
    }
    sums.finish();
    for (size_t r = 0; r < out.size(); ++r) {
      if (rows_[r] < (options_.compat_reference ? 2 : 3)) continue;
      const LineResiduals line(sums.of(static_cast<int64_t>(r)));
      const double slope = sample_slope + line.slope() / spread;
      judge_first(r, slope * slope * line.position_ss() * spread * spread, line, out[r]);
    }
  }

  void finish(std::span<HeadMetrics> out) {
    for (size_t r = 0; r < out.size(); ++r) {
      if (options_.compat_reference && (input_.queries.head_dim == 1 || rows_[r] < 3)) {
        out[r].q_noise_med_abs_skew = 0;
        out[r].q_noise_med_abs_kurt = 0;
        continue;
      }
      out[r].q_noise_med_abs_skew = median(std::move(skews_[r]));
      out[r].q_noise_med_abs_kurt = median(std::move(kurtoses_[r]));
    }
  }

 private:
  std::vector<int64_t> all_rows() const {
    std::vector<int64_t> out(input_.queries.positions.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int64_t>(i);
    return out;
  }

  void count_rows() {
    for (int64_t r = 0; r < input_.counts.replicates(); ++r) {
      double sum = 0;
      for (size_t g = 0; g < group_.documents.size(); ++g) {
        sum += input_.counts.at(r, group_.documents[g]) *
               static_cast<double>(group_.begins[g + 1] - group_.begins[g]);
      }
      rows_.push_back(std::llround(sum));
    }
  }

  void judge(size_t r, int64_t j, std::span<const double> sums) {
    const int64_t n = rows_[r];
    if (n < 3) return;
    const double powers[4] = {sums[0], sums[1], sums[2], sums[3]};
    const CentralMoments moments = central_moments(n, powers);
    if (moments.m2 <= 0 && leaves_out_constant(input_.fit, j, options_.compat_reference)) return;
    skews_[r].push_back(std::abs(skewness(moments)));
    kurtoses_[r].push_back(std::abs(excess_kurtosis(moments)));
  }

  // Positions in this unit are of the order of 1.
  double position_scale() const {
    const double square = input_.fit.position_ss / static_cast<double>(input_.fit.num_rows);
    return square > 0 ? std::sqrt(square) : 1;
  }

  void judge_first(size_t r, double drift, const LineResiduals& line, HeadMetrics& out) {
    const bool reference = options_.compat_reference;
    const CentralMoments moments = line.moments();
    if (reference && moments.m2 <= 0) {
      out.q_resid0_skew = 0;
      out.q_resid0_kurt = 0;
      return;
    }
    constexpr double kRounding = 1e-24;  // as in measure_noise()
    if (!reference && moments.m2 * static_cast<double>(rows_[r]) <= kRounding * drift) return;
    if (moments.m2 <= 0) return;
    out.q_resid0_skew = skewness(moments);
    out.q_resid0_kurt = excess_kurtosis(moments);
  }

  const QueryReplicateInput& input_;
  const NoiseOptions& options_;
  RowsByDocument group_;                    // all queries
  std::vector<int64_t> rows_;               // [replicates]
  std::vector<std::vector<double>> skews_;  // [replicates][components]
  std::vector<std::vector<double>> kurtoses_;
};

}  // namespace

void replicate_noise_metrics(const QueryReplicateInput& input, const NoiseOptions& options,
                             std::span<HeadMetrics> out) {
  NoiseReplicates replicates(input, options);
  const int64_t d = input.queries.head_dim;
  const auto rows = static_cast<size_t>(input.queries.num_rows());
  std::vector<double> columns(rows * static_cast<size_t>(std::min(d, kColumnBlock)));
  for (int64_t first = 0; first < d; first += kColumnBlock) {
    const int64_t count = std::min(kColumnBlock, d - first);
    const std::span<double> block(columns.data(), rows * static_cast<size_t>(count));
    gather_columns(input.queries, input.fit.mean, input.fit.reflected, input.fit.reflection, first,
                   count, block);
    for (int64_t c = 0; c < count; ++c) {
      const std::span<const double> column = block.subspan(static_cast<size_t>(c) * rows, rows);
      if (first + c == 0) replicates.take_first(column, out);
      if (first + c > 0) replicates.take_column(first + c, column);
    }
  }
  replicates.finish(out);
}

}  // namespace qk
