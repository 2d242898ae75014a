// What the diagnostics of heads warn of: docs/analysis.md, "Which heads are positional?".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plasticity/head_diagnostics.h"

namespace qk {

// Where the line misses so much of the queries' variance, position_share (1 - line_share), the method
// `linear` misleads: it takes that part for noise.
inline constexpr double kLineMisses = 0.1;
// A distance so far above its floor may shift p by as much, and 4 p (1 - p) by up to four times it.
inline constexpr double kFarFromNormal = 0.025;

bool line_misfits(const HeadDiagnostics& head);
bool scores_far_from_normal(const HeadDiagnostics& head);

// The column `warning` of head_diagnostics.csv: a few words for each, "; " between them, or nothing.
std::string diagnostic_warning(const HeadDiagnostics& head);

// Counts heads, and says in a sentence each what many rows would.
class DiagnosticWarnings {
 public:
  void add(const HeadDiagnostics& head);
  // uses_linear, uses_counted: whether these methods are among those that ran. A line that does not fit
  // is worth a sentence only where `linear` ran.
  std::vector<std::string> sentences(bool uses_linear, bool uses_counted) const;

 private:
  int64_t heads_ = 0;
  int64_t misfits_ = 0;
  int64_t far_from_normal_ = 0;
};

}  // namespace qk
