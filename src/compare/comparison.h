// Two analyses, head by head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compare/analysis_results.h"
#include "compare/replicate_series.h"

namespace qk {

struct CompareOptions {
  double confidence = 0.95;
  double fdr = 0.05;    // share of false ones among the heads that changed
  bool anyway = false;  // compare what cannot be interpreted
};

struct HeadDifference {
  int64_t layer = 0;
  int64_t q_head = 0;
  int64_t k_head = 0;
  double a = 0;
  double b = 0;
  double difference = 0;  // b - a
  DifferenceError error = no_error("");
  bool is_significant = false;  // among all heads of this metric
};

struct MetricComparison {
  std::string metric;
  std::vector<HeadDifference> heads;  // that both have; values may be NaN
  int64_t num_pairs = 0;              // heads with both values; of these:
  double mean_a = 0, mean_b = 0, mean_difference = 0;
  DifferenceError mean_error = no_error("");
  double spearman = 0, pearson = 0;
  int64_t num_tested = 0;       // with a p-value
  int64_t num_below = 0;        // with a p-value below 1 - confidence
  int64_t num_significant = 0;  // after the correction for the number of heads
};

// How errors of differences were made.
enum class Pairing : uint8_t { kNone, kPaired, kIndependent };

struct Comparison {
  SettingsComparison settings;
  std::vector<std::string> warnings;  // what a reader of the numbers must know
  Pairing pairing = Pairing::kNone;
  std::string pairing_reason;  // why not paired, or not at all
  std::vector<MetricComparison> metrics;
  std::vector<HeadNumbers> only_a, only_b;
};

// Throws Error with one sentence if head by head the two cannot be compared: other numbers of
// layers, heads or components, no head in common; and, without options.anyway, other buckets.
Comparison compare_results(const AnalysisResults& a, const AnalysisResults& b,
                           const CompareOptions& options);

// compare.csv: a row for each metric and head.
std::string comparison_header();
std::string comparison_lines(const Comparison& comparison);

}  // namespace qk
