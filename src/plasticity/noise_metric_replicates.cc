#include <algorithm>
#include <cmath>
#include <vector>

#include "heads/column_kernels.h"
#include "plasticity/metric_replicates.h"
#include "stats/median.h"
#include "stats/moments.h"
#include "stats/replicate_sums.h"

namespace qk {
namespace {

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
    std::vector<double> residuals;
    for (size_t r = 0; r < out.size(); ++r) {
      if (rows_[r] < (options_.compat_reference ? 2 : 3)) continue;
      const double drift =
          line_residuals(column, input_.counts.of(static_cast<int64_t>(r)), residuals);
      judge_first(r, drift, residuals, out[r]);
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

  // Every row as often as it counts, minus the line; the sum of squares that the line explains.
  double line_residuals(std::span<const double> column, std::span<const uint16_t> counts,
                        std::vector<double>& out) const {
    const std::vector<double>& t = input_.fit.centered_positions;
    double n = 0;
    double st = 0;
    double sx = 0;
    double tt = 0;
    double tx = 0;
    for (size_t i = 0; i < column.size(); ++i) {
      const double c = counts[static_cast<size_t>(input_.documents.of_query[i])];
      n += c;
      st += c * t[i];
      sx += c * column[i];
      tt += c * t[i] * t[i];
      tx += c * t[i] * column[i];
    }
    const double position_ss = tt - st * st / n;
    const double slope = position_ss > 0 ? (tx - st * sx / n) / position_ss : 0;
    out.clear();
    for (size_t i = 0; i < column.size(); ++i) {
      const double residual = column[i] - sx / n - slope * (t[i] - st / n);
      out.insert(out.end(), counts[static_cast<size_t>(input_.documents.of_query[i])], residual);
    }
    return slope * slope * std::max(0.0, position_ss);
  }

  void judge_first(size_t r, double drift, std::span<const double> residuals, HeadMetrics& out) {
    double powers[4] = {};
    for (const double x : residuals) {
      powers[0] += x;
      powers[1] += x * x;
      powers[2] += x * x * x;
      powers[3] += x * x * x * x;
    }
    const bool reference = options_.compat_reference;
    const CentralMoments moments = central_moments(rows_[r], powers);
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
