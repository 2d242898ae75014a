#include "stats/document_interval.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "stats/normal_cdf.h"
#include "stats/student_t.h"

namespace qk {
namespace {

// More than this share of replicates without a value: the others are no picture of the whole.
constexpr double kMostMissing = 0.1;
// Replicates closer to the estimate than this, relative to the farthest, are its rounding.
constexpr double kRounding = 1e-9;

double quantile(const std::vector<double>& sorted, double p) {
  const double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[below], sorted[below + 1], at - static_cast<double>(below));
}

// Fraction of replicates below the estimate, kept half a replicate away from 0 and 1.
double fraction_below(const std::vector<double>& sorted, double estimate) {
  const auto low = std::lower_bound(sorted.begin(), sorted.end(), estimate);
  const auto high = std::upper_bound(sorted.begin(), sorted.end(), estimate);
  const auto n = static_cast<double>(sorted.size());
  const double below = 0.5 * (static_cast<double>(low - sorted.begin()) +
                              static_cast<double>(high - sorted.begin()));
  return std::clamp(below / n, 0.5 / n, 1 - 0.5 / n);
}

struct Spread {
  double bias = 0;
  double std_error = 0;
};

// Of an estimate, from its replicates; `documents` of equal size are behind it.
Spread spread_of(double estimate, const std::vector<double>& replicates, double documents,
                 ErrorBars kind) {
  const auto n = static_cast<double>(replicates.size());
  double sum = 0;
  for (const double value : replicates) sum += value - estimate;
  const double shift = sum / n;
  double squares = 0;
  for (const double value : replicates) {
    const double moved = value - estimate - shift;
    squares += moved * moved;
  }
  if (kind == ErrorBars::kJackknife) return {(n - 1) * shift, std::sqrt((n - 1) / n * squares)};
  // Documents are drawn from the sample, whose own variance is too small by (documents - 1) /
  // documents.
  return {shift, std::sqrt(squares / (n - 1) * documents / (documents - 1))};
}

double to_scale(double value, ValueScale scale) {
  if (scale == ValueScale::kLength) return value * value;
  return value;
}

double from_scale(double value, ValueScale scale) {
  if (scale == ValueScale::kLength) return std::sqrt(std::max(0.0, value));
  return value;
}

// The nearest possible value.
double clamp_to(double value, ValueScale scale) {
  if (scale == ValueScale::kReal) return value;
  if (scale == ValueScale::kFraction) return std::clamp(value, 0.0, 1.0);
  return std::max(0.0, value);
}

void set_t(double estimate, const std::vector<double>& replicates, ValueScale scale,
           const ErrorBarOptions& options, Interval& out) {
  std::vector<double> scaled;
  scaled.reserve(replicates.size());
  for (const double value : replicates) scaled.push_back(to_scale(value, scale));
  const double at = to_scale(estimate, scale);
  const Spread spread = spread_of(at, scaled, out.documents, options.kind);
  const double centre = clamp_to(at - spread.bias, scale);
  const double reach =
      student_t_quantile((1 + options.confidence) / 2, out.documents - 1) * spread.std_error;
  out.low = clamp_to(from_scale(centre - reach, scale), scale);
  out.high = clamp_to(from_scale(centre + reach, scale), scale);
}

void set_quantiles(double estimate, std::vector<double>& replicates, ValueScale scale,
                   const ErrorBarOptions& options, Interval& out) {
  std::sort(replicates.begin(), replicates.end());
  double low = (1 - options.confidence) / 2;
  double high = 1 - low;
  if (options.interval == IntervalKind::kBiasCorrected) {
    const double z0 = normal_quantile(fraction_below(replicates, estimate));
    const double z = normal_quantile(high);
    if (2 * std::abs(z0) > z) {  // all of it would lie on one side of the median
      out.note = IntervalNote::kOneSided;
      set_t(estimate, replicates, scale, options, out);
      return;
    }
    low = normal_cdf(2 * z0 - z);
    high = normal_cdf(2 * z0 + z);
  }
  out.low = quantile(replicates, low);
  out.high = quantile(replicates, high);
}

// Leaves those out that do not depend on the document that they lack.
void keep_moved(double estimate, std::vector<double>& replicates) {
  double farthest = std::abs(estimate) * 1e-6;
  for (const double value : replicates) farthest = std::max(farthest, std::abs(value - estimate));
  std::erase_if(replicates,
                [&](double value) { return std::abs(value - estimate) <= kRounding * farthest; });
}

Interval without(IntervalNote note, int64_t replicates, double documents) {
  Interval out;
  out.replicates = replicates;
  out.documents = documents;
  out.note = note;
  return out;
}

}  // namespace

std::string_view note_text(IntervalNote note) {
  switch (note) {
    case IntervalNote::kNone:
      return "";
    case IntervalNote::kNoValue:
      return "no value";
    case IntervalNote::kPValue:
      return "p-values have no error bars";
    case IntervalNote::kFewDocuments:
      return "fewer than 5 documents";
    case IntervalNote::kFewReplicates:
      return "fewer than 2 replicates";
    case IntervalNote::kMissing:
      return "no value without some of the documents";
    case IntervalNote::kSame:
      return "the same whichever documents are used";
    case IntervalNote::kOneSided:
      return "t interval: nearly all replicates lie on one side";
  }
  return "";
}

double normal_quantile(double p) {
  QK_CHECK(p > 0 && p < 1);
  double low = -40;
  double high = 40;
  while (true) {
    const double middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    (normal_cdf(middle) < p ? low : high) = middle;
  }
}

Interval document_interval(double estimate, std::span<const double> replicates,
                           double effective_documents, ValueScale scale,
                           const ErrorBarOptions& options) {
  std::vector<double> values;
  values.reserve(replicates.size());
  for (const double value : replicates) {
    if (!std::isnan(value)) values.push_back(value);
  }
  const auto found = static_cast<int64_t>(values.size());
  const auto none = [&](IntervalNote note) { return without(note, found, effective_documents); };
  if (scale == ValueScale::kPValue) return none(IntervalNote::kPValue);
  if (std::isnan(estimate)) return none(IntervalNote::kNoValue);
  if (!(effective_documents >= kFewestDocuments)) return none(IntervalNote::kFewDocuments);
  if (found < 2) return none(IntervalNote::kFewReplicates);
  const auto missing = static_cast<double>(replicates.size() - values.size());
  const bool is_jackknife = options.kind == ErrorBars::kJackknife;
  if (missing > (is_jackknife ? 0 : kMostMissing * static_cast<double>(replicates.size()))) {
    return none(IntervalNote::kMissing);
  }
  Interval out = none(IntervalNote::kNone);
  if (is_jackknife) {
    keep_moved(estimate, values);
    if (values.empty()) return none(IntervalNote::kSame);
    out.documents = std::min(out.documents, static_cast<double>(values.size()));
    if (out.documents < kFewestDocuments) {
      return without(IntervalNote::kFewDocuments, found, out.documents);
    }
  }
  const Spread spread = spread_of(estimate, values, out.documents, options.kind);
  if (!(spread.std_error > 0)) return none(IntervalNote::kSame);
  out.std_error = spread.std_error;
  out.bias = spread.bias;
  if (is_jackknife || options.interval == IntervalKind::kT) {
    set_t(estimate, values, scale, options, out);
  } else {
    set_quantiles(estimate, values, scale, options, out);
  }
  return out;
}

}  // namespace qk
