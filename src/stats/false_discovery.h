// Many tests at once.
#pragma once

#include <span>
#include <vector>

namespace qk {

// The p-values that Benjamini and Hochberg's procedure calls discoveries, of which a share of `rate`
// is false on average: those up to the largest p(i) of the sorted p-values with p(i) <= i rate / n.
// NaN is no test: it does not count, and is no discovery.
std::vector<bool> false_discovery_tests(std::span<const double> p_values, double rate);

}  // namespace qk
