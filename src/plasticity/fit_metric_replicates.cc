#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "plasticity/metric_replicates.h"
#include "stats/float_products.h"
#include "stats/replicate_sums.h"

namespace qk {
namespace {

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

constexpr auto kLanes = static_cast<size_t>(kFloatBlockWidth);
using Lanes = std::array<double, kLanes>;

// How well the projections predict log2(position + 1), for kFloatBlockWidth replicates at once: a
// lane is a replicate. Projections are float32, which is enough for error bars.
class ScalarReplicates {
 public:
  explicit ScalarReplicates(const QueryReplicateInput& input)
      : input_(input),
        group_(group_by_document(all_rows(input.queries), input.documents.of_query)) {
    const std::vector<double> y = centered_log_positions(input.queries);
    vectors_.reserve(group_.rows.size() * static_cast<size_t>(input.queries.head_dim));
    for (const int64_t row : group_.rows) {
      y_.push_back(y[static_cast<size_t>(row)]);
      const std::span<const float> x = input.queries.vector(row);
      for (size_t j = 0; j < x.size(); ++j) {
        vectors_.push_back(static_cast<float>(static_cast<double>(x[j]) - input.fit.mean[j]));
      }
    }
    projections_.resize(y_.size() * kLanes);
  }

  // directions: [head_dim, kFloatBlockWidth]; out: their replicates, at most kFloatBlockWidth.
  void take(int64_t first_replicate, std::span<const float> directions,
            std::span<HeadMetrics> out) {
    multiply_float_block(vectors_.data(), std::ssize(y_), input_.queries.head_dim,
                         directions.data(), projections_.data());
    const Sums sums = sums_of(first_replicate, out.size());
    const Errors errors = errors_of(first_replicate, out.size(), sums);
    for (size_t lane = 0; lane < out.size(); ++lane) fill(sums, errors, lane, out[lane]);
  }

 private:
  // Over the rows of every replicate: their number, and sums of y, y^2, projections s, s^2, s y.
  struct Sums {
    Lanes n{}, y{}, yy{}, s{}, ss{}, sy{};
    double total(size_t lane) const { return yy[lane] - y[lane] * y[lane] / n[lane]; }
    double squares(size_t lane) const { return ss[lane] - s[lane] * s[lane] / n[lane]; }
    double products(size_t lane) const { return sy[lane] - s[lane] * y[lane] / n[lane]; }
  };
  struct Errors {
    Lanes baseline{}, projected{};  // sums of absolute errors
  };

  double times(int64_t replicate, size_t place) const {
    return input_.counts.at(replicate, group_.documents[place]);
  }

  Sums sums_of(int64_t first, size_t count) const {
    Sums out;
    for (size_t g = 0; g < group_.documents.size(); ++g) {
      double y = 0;
      double yy = 0;
      Lanes s{};
      Lanes ss{};
      Lanes sy{};
      const auto begin = static_cast<size_t>(group_.begins[g]);
      const auto end = static_cast<size_t>(group_.begins[g + 1]);
      for (size_t i = begin; i < end; ++i) {
        y += y_[i];
        yy += y_[i] * y_[i];
        const float* row = projections_.data() + i * kLanes;
        for (size_t lane = 0; lane < kLanes; ++lane) {
          const double x = row[lane];
          s[lane] += x;
          ss[lane] += x * x;
          sy[lane] += x * y_[i];
        }
      }
      for (size_t lane = 0; lane < count; ++lane) {
        const double c = times(first + static_cast<int64_t>(lane), g);
        out.n[lane] += c * static_cast<double>(end - begin);
        out.y[lane] += c * y;
        out.yy[lane] += c * yy;
        out.s[lane] += c * s[lane];
        out.ss[lane] += c * ss[lane];
        out.sy[lane] += c * sy[lane];
      }
    }
    return out;
  }

  Errors errors_of(int64_t first, size_t count, const Sums& sums) const {
    Lanes mean_y{};
    Lanes mean_s{};
    Lanes rate{};
    for (size_t lane = 0; lane < count; ++lane) {
      if (sums.n[lane] <= 0) continue;
      mean_y[lane] = sums.y[lane] / sums.n[lane];
      mean_s[lane] = sums.s[lane] / sums.n[lane];
      const double squares = sums.squares(lane);
      rate[lane] = squares > 0 ? sums.products(lane) / squares : 0;
    }
    Errors out;
    for (size_t g = 0; g < group_.documents.size(); ++g) {
      Lanes baseline{};
      Lanes projected{};
      const auto end = static_cast<size_t>(group_.begins[g + 1]);
      for (auto i = static_cast<size_t>(group_.begins[g]); i < end; ++i) {
        const float* row = projections_.data() + i * kLanes;
        for (size_t lane = 0; lane < kLanes; ++lane) {
          const double y = y_[i] - mean_y[lane];
          baseline[lane] += std::abs(y);
          projected[lane] += std::abs(y - rate[lane] * (row[lane] - mean_s[lane]));
        }
      }
      for (size_t lane = 0; lane < count; ++lane) {
        const double c = times(first + static_cast<int64_t>(lane), g);
        out.baseline[lane] += c * baseline[lane];
        out.projected[lane] += c * projected[lane];
      }
    }
    return out;
  }

  static void fill(const Sums& sums, const Errors& errors, size_t lane, HeadMetrics& out) {
    const double n = sums.n[lane];
    if (n <= 0) return;
    out.q_mae_baseline = errors.baseline[lane] / n;
    out.q_mae_proj = errors.projected[lane] / n;
    out.q_mae_ratio =
        errors.baseline[lane] > 0 ? errors.projected[lane] / errors.baseline[lane] : 1;
    const double squares = sums.squares(lane);
    const double products = sums.products(lane);
    const double total = sums.total(lane);
    const bool is_defined = squares > 0 && total > 0;
    out.q_r2_scalar = is_defined ? products * products / (squares * total) : 0;
  }

  const QueryReplicateInput& input_;
  RowsByDocument group_;            // all queries
  std::vector<double> y_;           // [group_.rows], centered_log_positions()
  std::vector<float> vectors_;      // [group_.rows, head_dim], minus the mean
  std::vector<float> projections_;  // [group_.rows, kFloatBlockWidth]
};

}  // namespace

void replicate_fit_metrics(const QueryReplicateInput& input, bool compat_reference,
                           std::span<HeadMetrics> out) {
  const LineReplicates lines(input);
  ScalarReplicates scalars(input);
  const int64_t d = input.queries.head_dim;
  for (size_t begin = 0; begin < out.size(); begin += kLanes) {
    const size_t count = std::min(kLanes, out.size() - begin);
    std::vector<float> directions(static_cast<size_t>(d) * kLanes);
    for (size_t lane = 0; lane < count; ++lane) {
      const QueryFit fit = lines.fit(static_cast<int64_t>(begin + lane));
      if (fit.num_rows == 0) continue;
      HeadMetrics& metrics = out[begin + lane];
      metrics.q_r2_pos = mean_r2(fit, component_r2(fit, compat_reference), compat_reference);
      metrics.q_beta_norm = fit.slope_norm;
      if (fit.slope_norm <= 0) continue;
      for (size_t j = 0; j < fit.slope.size(); ++j) {
        directions[j * kLanes + lane] = static_cast<float>(fit.slope[j] / fit.slope_norm);
      }
    }
    scalars.take(static_cast<int64_t>(begin), directions, out.subspan(begin, count));
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
