#include "plasticity/online_times.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "heads/row_runs.h"
#include "plasticity/local_pairs.h"

namespace qk {
namespace {

// The keys of one document in order of position.
struct DocumentKeys {
  std::vector<int64_t> rows;
  std::vector<int64_t> positions;
  int64_t reach = 1;
};

std::vector<DocumentKeys> documents_of(const HeadTable& keys, const MethodOptions& options,
                                       int64_t origin) {
  std::vector<DocumentKeys> out;
  if (keys.example_ids.empty()) return out;
  const std::vector<int64_t> by_position = sorted_rows(keys.positions);
  std::map<int64_t, DocumentKeys> documents;
  for (int64_t row : by_position) {
    DocumentKeys& document = documents[keys.example_ids[static_cast<size_t>(row)]];
    document.rows.push_back(row);
    document.positions.push_back(keys.positions[static_cast<size_t>(row)]);
  }
  for (auto& [id, document] : documents) {
    const auto captured = static_cast<int64_t>(document.rows.size());
    const int64_t tokens = document.positions.back() - origin + 1;
    const bool in_keys = options.online_reach_unit == ReachUnit::kKeys;
    document.reach = local_reach(in_keys ? captured : tokens, options.online_reach);
    out.push_back(std::move(document));
  }
  return out;
}

// Positions at which the law is evaluated, with their query buckets, without pairs yet.
std::vector<OnlineTime> evaluation_times(const HeadTable& queries, int64_t per_bucket) {
  std::map<int64_t, std::vector<int64_t>> positions;
  for (size_t i = 0; i < queries.positions.size(); ++i) {
    positions[queries.buckets[i]].push_back(queries.positions[i]);
  }
  std::vector<OnlineTime> out;
  for (auto& [bucket, list] : positions) {
    std::sort(list.begin(), list.end());
    const auto count = static_cast<int64_t>(list.size());
    std::set<int64_t> chosen;
    for (int64_t k = 1; k <= per_bucket; ++k) {
      const int64_t below = (k * count + per_bucket - 1) / per_bucket;
      chosen.insert(list[static_cast<size_t>(below - 1)]);
    }
    for (int64_t position : chosen) out.push_back({position, bucket, {}});
  }
  std::stable_sort(out.begin(), out.end(), [](const OnlineTime& a, const OnlineTime& b) {
    return a.position < b.position;
  });
  return out;
}

void draw_pairs(const std::vector<DocumentKeys>& documents, int64_t window, ReachUnit unit,
                int64_t num_pairs, NumpyGenerator& generator, OnlineTime& time) {
  std::vector<LocalDocument> available;
  std::vector<int64_t> skipped;  // keys before the window
  for (const DocumentKeys& document : documents) {
    const std::span<const int64_t> positions = document.positions;
    const auto end = std::upper_bound(positions.begin(), positions.end(), time.position);
    const auto begin = std::lower_bound(positions.begin(), end, time.position - window + 1);
    const auto seen = static_cast<size_t>(end - begin);
    const auto before = static_cast<size_t>(begin - positions.begin());
    const bool in_tokens = unit == ReachUnit::kTokens;
    available.push_back({static_cast<int64_t>(seen), document.reach,
                         in_tokens ? positions.subspan(before, seen) : std::span<const int64_t>()});
    skipped.push_back(static_cast<int64_t>(before));
  }
  const LocalPairSampler sampler(std::move(available));
  if (!sampler.can_draw()) return;
  for (int64_t n = 0; n < num_pairs; ++n) {
    const LocalPair pair = sampler.draw(generator);
    const auto document = static_cast<size_t>(pair.document);
    const std::vector<int64_t>& rows = documents[document].rows;
    time.pairs.push_back({rows[static_cast<size_t>(skipped[document] + pair.first)],
                          rows[static_cast<size_t>(skipped[document] + pair.second)]});
  }
}

}  // namespace

std::vector<OnlineTime> online_times(const HeadTable& queries, const HeadTable& keys,
                                     const MethodOptions& options, int64_t num_pairs,
                                     const SeedWords& seed) {
  const std::vector<DocumentKeys> documents =
      documents_of(keys, options, position_origin(queries, keys));
  // A window that is not positive is no window, as everywhere; none reaches back to position 0.
  int64_t window = queries.window.value_or(0);
  if (window <= 0) window = std::numeric_limits<int64_t>::max() / 2;
  NumpyGenerator generator(seed);
  std::vector<OnlineTime> out = evaluation_times(queries, options.online_times);
  for (OnlineTime& time : out) {
    draw_pairs(documents, window, options.online_reach_unit, num_pairs, generator, time);
  }
  return out;
}

double online_alpha(const MethodOptions& options, const HeadTable& queries, int64_t origin) {
  if (options.online_alpha) return *options.online_alpha;
  double half_life = 1;
  if (options.online_half_life) {
    half_life = *options.online_half_life;
  } else {
    const int64_t highest = *std::max_element(queries.positions.begin(), queries.positions.end());
    half_life = std::max(1.0, options.online_reach * static_cast<double>(highest - origin + 1));
  }
  return -std::expm1(-std::log(2.0) / half_life);
}

StepClock::StepClock(OnlineClock clock, const HeadTable& queries)
    : clock_(clock), distinct_(queries.positions) {
  std::sort(distinct_.begin(), distinct_.end());
  distinct_.erase(std::unique(distinct_.begin(), distinct_.end()), distinct_.end());
}

double StepClock::at(int64_t position) const {
  if (clock_ == OnlineClock::kPosition)
    return static_cast<double>(position - distinct_.front() + 1);
  const auto at = std::lower_bound(distinct_.begin(), distinct_.end(), position);
  QK_CHECK(at != distinct_.end() && *at == position);
  return static_cast<double>(at - distinct_.begin() + 1);
}

}  // namespace qk
