#include "plasticity/law_projection.h"

#include <algorithm>
#include <limits>

#include "heads/gathered_rows.h"
#include "plasticity/score_moments.h"

namespace qk {

void project_law(const GaussianLaw& law, std::span<const double> differences,
                 std::span<double> means, std::span<double> variances) {
  const size_t d = law.mean.size();
  const ScoreMoments scores = score_moments(law, blocks_of(differences, static_cast<int64_t>(d)));
  std::copy(scores.mean.begin(), scores.mean.end(), means.begin());
  std::copy(scores.variance.begin(), scores.variance.end(), variances.begin());
  for (size_t n = 0; n < variances.size(); ++n) {
    if (variances[n] != 0) continue;
    const std::span<const double> w = differences.subspan(n * d, d);
    const bool equal_keys = std::all_of(w.begin(), w.end(), [](double x) { return x == 0; });
    if (!equal_keys) variances[n] = std::numeric_limits<double>::min();
  }
}

}  // namespace qk
