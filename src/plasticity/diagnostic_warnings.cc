#include "plasticity/diagnostic_warnings.h"

#include <fmt/format.h>

namespace qk {

bool line_misfits(const HeadDiagnostics& head) {
  return head.position_share * (1 - head.line_share) > kLineMisses;
}

bool scores_far_from_normal(const HeadDiagnostics& head) {
  return head.score_ks_distance - head.score_ks_floor > kFarFromNormal;
}

std::string diagnostic_warning(const HeadDiagnostics& head) {
  std::string out;
  if (line_misfits(head)) out = "queries do not follow a line";
  if (scores_far_from_normal(head)) {
    out += out.empty() ? "scores are far from normal" : "; scores are far from normal";
  }
  return out;
}

void DiagnosticWarnings::add(const HeadDiagnostics& head) {
  ++heads_;
  misfits_ += line_misfits(head) ? 1 : 0;
  far_from_normal_ += scores_far_from_normal(head) ? 1 : 0;
}

std::vector<std::string> DiagnosticWarnings::sentences(bool uses_linear, bool uses_counted) const {
  std::vector<std::string> out;
  if (misfits_ > 0 && uses_linear) {
    out.push_back(fmt::format(
        "in {} of {} heads a straight line misses more than a tenth of the queries' variance that "
        "their position explains: do not rely on the method linear there",
        misfits_, heads_));
  }
  if (far_from_normal_ > 0) {
    out.push_back(fmt::format(
        "in {} of {} heads the scores are far from normal (score_ks_distance more than {} above "
        "score_ks_floor): {}",
        far_from_normal_, heads_, kFarFromNormal,
        uses_counted ? "believe the method counted there" : "check them with the method counted"));
  }
  return out;
}

}  // namespace qk
