// Error bars over documents: an interval of a number from its values in replicates of the
// documents. docs/methods.md, "Error bars".
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace qk {

enum class ErrorBars : uint8_t {
  kNone,
  kJackknife,  // every document is left out once; many documents, in groups
  kBootstrap,  // documents are drawn with replacement
};

enum class IntervalKind : uint8_t {
  kT,              // corrected for bias, with the t distribution over documents
  kPercentile,     // of bootstrap replicates
  kBiasCorrected,  // percentiles moved by twice the median's bias
};

struct ErrorBarOptions {
  ErrorBars kind = ErrorBars::kNone;
  int64_t replicates = 0;  // kBootstrap: how many are drawn
  double confidence = 0.95;
  IntervalKind interval = IntervalKind::kT;  // kJackknife: always kT

  bool wanted() const { return kind != ErrorBars::kNone; }
};

// What values a number can have, and on which scale its errors are even.
enum class ValueScale : uint8_t {
  kReal,      // any: slopes, differences, skewness
  kPositive,  // at least 0, errors in proportion: mean absolute errors
  kLength,    // at least 0, and only raised by noise, in its square: norms, absolute skewness
  kFraction,  // 0 to 1: plasticity, R2
  kPValue,    // has no interval
};

// Why there is no interval, or none of the kind that was asked for.
enum class IntervalNote : uint8_t {
  kNone,
  kNoValue,       // the estimate is NaN
  kPValue,        // a p-value
  kFewDocuments,  // fewer than kFewestDocuments
  kFewReplicates,
  kMissing,   // too many replicates have no value
  kSame,      // all replicates have the same value
  kOneSided,  // nearly all replicates on one side: kT instead of kBiasCorrected
};

struct Interval {
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  double std_error = std::numeric_limits<double>::quiet_NaN();
  double bias = std::numeric_limits<double>::quiet_NaN();  // expected estimate minus truth
  int64_t replicates = 0;                                  // that have a value
  double documents = 0;                                    // effective, that move the number
  IntervalNote note = IntervalNote::kNone;

  bool has_value() const { return low <= high; }
};

// Fewer effective documents give no interval: none of the constructions holds the truth then.
inline constexpr double kFewestDocuments = 5;

// A few words for a column of a table; empty for kNone.
std::string_view note_text(IntervalNote note);

// The interval of `estimate` from the replicates that ResampleCounts(documents, options, seed)
// describes, without the sample itself; NaN where a replicate has no value. With a reason in
// `note` instead of numbers if there is none. The interval holds the estimate, unless the estimate's
// bias is larger than its error.
//   effective_documents  behind the number, as in EffectiveSize; at least 1
// Threads: safe; costs about as much as a pass over the replicates.
Interval document_interval(double estimate, std::span<const double> replicates,
                           double effective_documents, ValueScale scale,
                           const ErrorBarOptions& options);

// x with Phi(x) = p. REQUIRES: 0 < p < 1.
double normal_quantile(double p);

}  // namespace qk
