#include "ranks/rank_progress.h"

#include <algorithm>

namespace qk {
namespace {

constexpr double kFarBehind = 0.9;
constexpr double kEnoughSeconds = 30;  // before a rank is called slow

struct RankSpeed {
  const RankState* rank = nullptr;
  double tokens_per_second = 0;
};

}  // namespace

void add(const DocumentsAnswer& answer, CaptureCounts& counts) {
  counts.num_documents += answer.num_documents;
  counts.num_tokens += answer.num_tokens;
  counts.num_rows += answer.num_rows;
  counts.num_computed_tokens += answer.num_computed_tokens;
}

RunProgress capture_progress(const PreparedRun& run, const CaptureCounts& counts,
                             const std::vector<RankState>& states, double seconds) {
  double documents = 0, tokens = 0;  // in all, of this start
  for (const RankState& state : states) {
    const RankProgress progress = decode_rank_progress(state.progress);
    documents += progress.documents;
    tokens += progress.tokens;
  }
  const auto done = static_cast<double>(counts.num_documents - counts.num_documents_before);
  const int64_t num_tokens = counts.num_tokens_before + static_cast<int64_t>(tokens);
  return {.phase = Phase::kCapture,
          .done = counts.num_documents,
          .total = run.corpus->num_documents(),
          .in_progress = std::max(0.0, documents - done),
          .num_tokens = std::max(counts.num_tokens, num_tokens),
          .num_rows = counts.num_rows,
          .seconds = seconds,
          .done_before = counts.num_documents_before,
          .num_tokens_before = counts.num_tokens_before};
}

RanksProgress ranks_progress(const RunProgress& run, const std::vector<RankState>& states) {
  RanksProgress out;
  out.run = run;
  std::vector<RankSpeed> speeds;
  for (const RankState& state : states) {
    if (!state.is_alive) continue;
    ++out.num_ranks;
    const RankProgress progress = decode_rank_progress(state.progress);
    if (run.phase != Phase::kCapture || progress.seconds < kEnoughSeconds) continue;
    speeds.push_back({&state, progress.tokens / progress.seconds});
  }
  if (speeds.size() < 2) return out;
  std::ranges::sort(speeds, {}, &RankSpeed::tokens_per_second);
  const double usual = speeds[speeds.size() / 2].tokens_per_second;
  const RankSpeed& slowest = speeds.front();
  if (usual <= 0 || slowest.tokens_per_second >= kFarBehind * usual) return out;
  out.slowest = slowest.rank->host;
  out.slowest_part = slowest.tokens_per_second / usual;
  return out;
}

}  // namespace qk
