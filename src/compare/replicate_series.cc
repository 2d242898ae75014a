#include "compare/replicate_series.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

#include "stats/student_t.h"

namespace qk {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The value without a document; the estimate if the document is not one of the series.
double value_without(const ReplicateSeries& series, int64_t document) {
  const auto it = std::ranges::lower_bound(series.documents, document);
  if (it == series.documents.end() || *it != document) return series.estimate;
  return series.values[static_cast<size_t>(it - series.documents.begin())];
}

bool has_equal_replicates(const ReplicateSeries& a, const ReplicateSeries& b) {
  return a.kind == b.kind && a.documents == b.documents && a.values.size() == b.values.size();
}

ErrorBarOptions options_of(const ReplicateSeries& series, double confidence) {
  return {.kind = series.kind,
          .replicates = std::ssize(series.values),
          .confidence = confidence,
          .interval = IntervalKind::kT};
}

Interval interval_of(const ReplicateSeries& series, double confidence) {
  return document_interval(series.estimate, series.values, series.effective_documents,
                           ValueScale::kReal, options_of(series, confidence));
}

double two_sided(double t, double freedom) {
  return std::min(1.0, 2 * student_t_cdf(-std::abs(t), freedom));
}

bool is_all_zero(const ReplicateSeries& series) {
  return series.estimate == 0 &&
         std::ranges::all_of(series.values, [](double value) { return value == 0; });
}

}  // namespace

ReplicateSeries series_of(const Replicates& table, const ReplicateRow& row) {
  return {row.estimate, row.effective_documents, table.document_sets[row.document_set], row.values,
          table.kind};
}

std::optional<ReplicateSeries> difference_series(const ReplicateSeries& a,
                                                 const ReplicateSeries& b) {
  ReplicateSeries out;
  out.estimate = b.estimate - a.estimate;
  out.effective_documents = std::min(a.effective_documents, b.effective_documents);
  out.kind = a.kind;
  if (a.is_by_document() && b.is_by_document()) {
    std::ranges::set_union(a.documents, b.documents, std::back_inserter(out.documents));
    for (const int64_t document : out.documents) {
      out.values.push_back(value_without(b, document) - value_without(a, document));
    }
    return out;
  }
  if (!has_equal_replicates(a, b)) return {};
  out.documents = a.documents;
  for (size_t r = 0; r < a.values.size(); ++r) out.values.push_back(b.values[r] - a.values[r]);
  return out;
}

std::optional<ReplicateSeries> mean_series(std::span<const ReplicateSeries> series) {
  if (series.empty()) return {};
  const auto count = static_cast<double>(series.size());
  const bool is_by_document = std::ranges::all_of(series, &ReplicateSeries::is_by_document);
  const bool is_equal = std::ranges::all_of(series, [&](const ReplicateSeries& one) {
    return has_equal_replicates(one, series.front());
  });
  if (!is_by_document && !is_equal) return {};
  ReplicateSeries out;
  out.kind = series.front().kind;
  for (const ReplicateSeries& one : series) {
    out.estimate += one.estimate / count;
    out.effective_documents += one.effective_documents / count;
  }
  if (is_by_document) {
    std::map<int64_t, double> moved;  // by leaving out a document
    for (const ReplicateSeries& one : series) {
      for (size_t i = 0; i < one.documents.size(); ++i) {
        moved[one.documents[i]] += (one.values[i] - one.estimate) / count;
      }
    }
    for (const auto& [document, shift] : moved) {
      out.documents.push_back(document);
      out.values.push_back(out.estimate + shift);
    }
    return out;
  }
  out.documents = series.front().documents;
  out.values.resize(series.front().values.size(), 0.0);
  for (const ReplicateSeries& one : series) {
    for (size_t r = 0; r < one.values.size(); ++r) out.values[r] += one.values[r] / count;
  }
  return out;
}

// The difference and what is left of it without its bias: intervals reach from the lower one minus, to
// the higher one plus t standard errors (document_interval()).
struct DifferenceSpan {
  double low;
  double high;

  DifferenceSpan(double estimate, double bias)
      : low(std::min(estimate, estimate - bias)), high(std::max(estimate, estimate - bias)) {}

  // How far 0 lies outside: what a p-value tests, so that it agrees with the interval.
  double beyond_zero() const { return low > 0 ? low : high < 0 ? high : 0; }
};

DifferenceError no_error(std::string_view note) {
  return {kNone, kNone, kNone, kNone, std::string(note)};
}

DifferenceError paired_error(const ReplicateSeries& difference, double confidence) {
  if (is_all_zero(difference)) return {0, 0, 0, 1, ""};
  const Interval interval = interval_of(difference, confidence);
  if (!interval.has_value()) return no_error(note_text(interval.note));
  const DifferenceSpan span(difference.estimate, interval.bias);
  const double t = span.beyond_zero() / interval.std_error;
  return {interval.low, interval.high, interval.std_error, two_sided(t, interval.documents - 1),
          std::string(note_text(interval.note))};
}

DifferenceError independent_error(const ReplicateSeries& a, const ReplicateSeries& b,
                                  double confidence) {
  const Interval of_a = interval_of(a, confidence);
  const Interval of_b = interval_of(b, confidence);
  for (const Interval& interval : {of_a, of_b}) {
    if (!interval.has_value()) return no_error(note_text(interval.note));
  }
  const double variance_a = of_a.std_error * of_a.std_error;
  const double variance_b = of_b.std_error * of_b.std_error;
  const double variance = variance_a + variance_b;
  const double freedom = variance * variance /
                         (variance_a * variance_a / (of_a.documents - 1) +
                          variance_b * variance_b / (of_b.documents - 1));
  const DifferenceSpan span(b.estimate - a.estimate, of_b.bias - of_a.bias);
  const double std_error = std::sqrt(variance);
  const double reach = student_t_quantile((1 + confidence) / 2, freedom) * std_error;
  return {span.low - reach, span.high + reach, std_error,
          two_sided(span.beyond_zero() / std_error, freedom), kNotPaired};
}

}  // namespace qk
