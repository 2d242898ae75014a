// Two analyses in one page: what differs between them, and the differences if there is a sense in them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compare/comparison.h"
#include "page/column.h"
#include "page/page_analysis.h"

namespace qk {

struct PageComparison {
  nlohmann::ordered_json directory = nullptr;  // "comparison" of the page's directory
  std::optional<Table> table;                  // the rows of compare.csv; none: nothing is compared
  std::vector<std::string> notes;
  std::string subject;  // the one thing that differs; empty: none, or several
};

// Heads are compared one by one if the models have the same shape, the buckets are the same and at most
// one thing differs. Else the directory says why not, and by which order heads correspond ("depth":
// only by the depth of their layers). Throws Error: tables or replicates that cannot be read.
PageComparison compare_for_page(const PageAnalysis& a, const PageAnalysis& b,
                                const PageWishes& wishes);

// The interval holds 0, or there is none. Where nothing at all differs, nothing is unsure.
bool is_unsure(const DifferenceError& error);

// How many of all heads changed in a metric: [words to be stressed, the rest].
nlohmann::ordered_json changes_text(const MetricComparison& metric, const CompareOptions& options);

}  // namespace qk
