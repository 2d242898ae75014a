#include <algorithm>
#include <cmath>
#include <numeric>

#include "heads/gathered_rows.h"
#include "plasticity/metric_replicates.h"
#include "stats/dense_products.h"
#include "stats/replicate_sums.h"

namespace qk {
namespace {

constexpr int64_t kFitRowsAtOnce = 64;

std::vector<int64_t> all_rows(const HeadTable& table) {
  std::vector<int64_t> out(table.positions.size());
  std::iota(out.begin(), out.end(), int64_t{0});
  return out;
}

// What component_r2() and slope_norm need of a fit, for every replicate.
class LineReplicates {
 public:
  explicit LineReplicates(const QueryReplicateInput& input)
      : input_(input),
        d_(static_cast<size_t>(input.queries.head_dim)),
        origin_(input.queries.vector(0).begin(), input.queries.vector(0).end()),
        sums_(input.counts, 0, input.counts.replicates(), static_cast<int64_t>(3 + 3 * d_)) {
    const RowsByDocument group =
        group_by_document(all_rows(input.queries), input.documents.of_query);
    std::vector<double> numbers(3 + 3 * d_);
    for (size_t g = 0; g < group.documents.size(); ++g) {
      std::fill(numbers.begin(), numbers.end(), 0.0);
      for (int64_t i = group.begins[g]; i < group.begins[g + 1]; ++i) {
        add_row(group.rows[static_cast<size_t>(i)], numbers);
      }
      sums_.add(group.documents[g], numbers);
    }
    sums_.finish();
  }

  QueryFit fit(int64_t replicate) const {
    const std::span<const double> s = sums_.of(replicate);
    QueryFit out;
    out.num_rows = std::llround(s[0]);
    if (out.num_rows == 0) return out;
    out.position_ss = std::max(0.0, s[2] - s[1] * s[1] / s[0]);
    double square = 0;
    for (size_t j = 0; j < d_; ++j) {
      const double mean = s[3 + j] / s[0];
      const double slope =
          out.position_ss > 0 ? (s[3 + d_ + j] - s[1] * mean) / out.position_ss : 0;
      const double total = std::max(0.0, s[3 + 2 * d_ + j] - s[3 + j] * mean);
      out.mean.push_back(mean + origin_[j]);
      out.slope.push_back(slope);
      out.total_ss.push_back(total);
      out.residual_ss.push_back(std::max(0.0, total - slope * slope * out.position_ss));
      square += slope * slope;
    }
    out.slope_norm = std::sqrt(square);
    return out;
  }

 private:
  void add_row(int64_t row, std::vector<double>& numbers) const {
    const double t = input_.fit.centered_positions[static_cast<size_t>(row)];
    const std::span<const float> x = input_.queries.vector(row);
    numbers[0] += 1;
    numbers[1] += t;
    numbers[2] += t * t;
    for (size_t j = 0; j < d_; ++j) {
      const double value = static_cast<double>(x[j]) - origin_[j];
      numbers[3 + j] += value;
      numbers[3 + d_ + j] += t * value;
      numbers[3 + 2 * d_ + j] += value * value;
    }
  }

  const QueryReplicateInput& input_;
  size_t d_;
  std::vector<double> origin_;
  ReplicateSums sums_;
};

// How well the projections predict log2(position + 1), for kBlockWidth replicates at once.
class ScalarReplicates {
 public:
  explicit ScalarReplicates(const QueryReplicateInput& input)
      : input_(input), y_(centered_log_positions(input.queries)) {
    projections_.resize(y_.size() * static_cast<size_t>(kBlockWidth));
  }

  // directions: one block, [head_dim, kBlockWidth]; out: its replicates, at most kBlockWidth.
  void take(int64_t first_replicate, const double* directions, std::span<HeadMetrics> out) {
    project(directions);
    for (size_t lane = 0; lane < out.size(); ++lane) {
      measure(lane, input_.counts.of(first_replicate + static_cast<int64_t>(lane)), out[lane]);
    }
  }

 private:
  void project(const double* directions) {
    const int64_t rows = input_.queries.num_rows();
    const std::vector<int64_t> order = all_rows(input_.queries);
    for (int64_t begin = 0; begin < rows; begin += kFitRowsAtOnce) {
      const int64_t count = std::min(kFitRowsAtOnce, rows - begin);
      const GatheredRows x(
          input_.queries,
          std::span(order).subspan(static_cast<size_t>(begin), static_cast<size_t>(count)),
          input_.fit.mean);
      multiply_block(x.view().data(), input_.queries.head_dim, count, input_.queries.head_dim,
                     directions, projections_.data() + begin * kBlockWidth);
    }
  }

  void measure(size_t lane, std::span<const uint16_t> counts, HeadMetrics& out) const {
    double n = 0;
    double sy = 0;
    double ss = 0;
    double yy = 0;
    double ps = 0;
    double py = 0;
    for (size_t i = 0; i < y_.size(); ++i) {
      const double c = counts[static_cast<size_t>(input_.documents.of_query[i])];
      const double s = projections_[i * kBlockWidth + lane];
      n += c;
      sy += c * y_[i];
      yy += c * y_[i] * y_[i];
      ss += c * s;
      ps += c * s * s;
      py += c * s * y_[i];
    }
    if (n <= 0) return;
    const double total = yy - sy * sy / n;
    const double squares = ps - ss * ss / n;
    const double products = py - ss * sy / n;
    const double rate = squares > 0 ? products / squares : 0;
    double baseline = 0;
    double absolute = 0;
    for (size_t i = 0; i < y_.size(); ++i) {
      const double c = counts[static_cast<size_t>(input_.documents.of_query[i])];
      const double y = y_[i] - sy / n;
      baseline += c * std::abs(y);
      absolute += c * std::abs(y - rate * (projections_[i * kBlockWidth + lane] - ss / n));
    }
    out.q_mae_baseline = baseline / n;
    out.q_mae_proj = absolute / n;
    out.q_mae_ratio = baseline > 0 ? absolute / baseline : 1;
    const bool is_defined = squares > 0 && total > 0;
    out.q_r2_scalar = is_defined ? products * products / (squares * total) : 0;
  }

  const QueryReplicateInput& input_;
  std::vector<double> y_;            // [rows], centered_log_positions()
  std::vector<double> projections_;  // [rows, kBlockWidth]
};

}  // namespace

void replicate_fit_metrics(const QueryReplicateInput& input, bool compat_reference,
                           std::span<HeadMetrics> out) {
  const LineReplicates lines(input);
  ScalarReplicates scalars(input);
  const int64_t d = input.queries.head_dim;
  for (size_t begin = 0; begin < out.size(); begin += kBlockWidth) {
    const size_t count = std::min(static_cast<size_t>(kBlockWidth), out.size() - begin);
    VectorBlocks directions(kBlockWidth, d);
    for (size_t lane = 0; lane < count; ++lane) {
      const QueryFit fit = lines.fit(static_cast<int64_t>(begin + lane));
      if (fit.num_rows == 0) continue;
      HeadMetrics& metrics = out[begin + lane];
      metrics.q_r2_pos = mean_r2(fit, component_r2(fit, compat_reference), compat_reference);
      metrics.q_beta_norm = fit.slope_norm;
      if (fit.slope_norm <= 0) continue;
      for (int64_t j = 0; j < d; ++j) {
        directions.at(static_cast<int64_t>(lane), j) =
            fit.slope[static_cast<size_t>(j)] / fit.slope_norm;
      }
    }
    scalars.take(static_cast<int64_t>(begin), directions.block(0), out.subspan(begin, count));
  }
}

EffectiveSize query_sizes(const QueryReplicateInput& input) {
  const auto d = static_cast<size_t>(input.queries.head_dim);
  GroupSpread spread(input.queries.head_dim);
  std::vector<double> residual(d);
  for (int64_t row = 0; row < input.queries.num_rows(); ++row) {
    const std::span<const float> x = input.queries.vector(row);
    const double t = input.fit.centered_positions[static_cast<size_t>(row)];
    for (size_t j = 0; j < d; ++j) {
      residual[j] = static_cast<double>(x[j]) - input.fit.mean[j] - t * input.fit.slope[j];
    }
    spread.add(input.documents.of_query[static_cast<size_t>(row)], residual.data());
  }
  return spread.size();
}

}  // namespace qk
