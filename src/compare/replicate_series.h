// A number with its values in the replicates of the documents, and what is computed from such
// numbers: differences of two, and means of many.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/replicate_table.h"
#include "stats/document_interval.h"

namespace qk {

struct ReplicateSeries {
  double estimate = 0;
  double effective_documents = 0;
  // Ascending ids of the documents that were left out or drawn.
  std::vector<int64_t> documents;
  // Jackknife: values[i] lacks documents[i], or, if there are fewer values, one group of them.
  // Bootstrap: values[r] is that of draw r.
  std::vector<double> values;
  ErrorBars kind = ErrorBars::kNone;

  // Every document was left out by itself.
  bool is_by_document() const {
    return kind == ErrorBars::kJackknife && values.size() == documents.size();
  }
};

ReplicateSeries series_of(const Replicates& table, const ReplicateRow& row);

// b - a, replicate by replicate. A document that one of them does not have changes the other alone.
// Nothing if the replicates do not belong together: other kinds; or not every document was left out
// by itself, and the documents or the number of replicates differ. REQUIRES: equal ids mean equal
// documents, equal seeds.
std::optional<ReplicateSeries> difference_series(const ReplicateSeries& a,
                                                 const ReplicateSeries& b);

// The mean of several; nothing under the same conditions, or if there is none.
std::optional<ReplicateSeries> mean_series(std::span<const ReplicateSeries> series);

// The note of a difference whose error is not of paired replicates.
inline constexpr const char* kNotPaired = "not paired";

// The error of a difference, and a test whether it is 0.
struct DifferenceError {
  double low, high, std_error, p_value;  // NaN: none
  std::string note;                      // why there is none, or what to know about it
};
DifferenceError no_error(std::string_view note);

// Of a difference_series(): a t interval over documents, and the p-value of the same t.
DifferenceError paired_error(const ReplicateSeries& difference, double confidence);
// Of b - a for independent documents: variances add up, degrees of freedom by Welch and
// Satterthwaite.
DifferenceError independent_error(const ReplicateSeries& a, const ReplicateSeries& b,
                                  double confidence);

}  // namespace qk
