#include "plasticity/online_method.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "heads/gathered_rows.h"
#include "heads/pair_kernels.h"
#include "heads/row_runs.h"
#include "plasticity/bucket_pairs.h"
#include "plasticity/forgetting_law.h"
#include "plasticity/law_projection.h"
#include "plasticity/online_times.h"
#include "plasticity/pair_plasticity.h"

namespace qk {
namespace {

constexpr size_t kOnlineRowsAtOnce = 512;

// The queries of a head in order of position, observed as time advances.
class QueryStream {
 public:
  QueryStream(const HeadTable& queries, const MethodOptions& options, int64_t origin)
      : queries_(queries),
        sorted_(sorted_rows(queries.positions)),
        clock_(options.online_clock, queries),
        alpha_(online_alpha(options, queries, origin)),
        law_(GatheredRows(queries, std::span(sorted_).first(1)).view().flat(), alpha_,
             options.online_start) {}

  // The law of all queries up to and including the position. REQUIRES: the position of a query, not
  // below that of the last call.
  const ForgettingLaw& advance(int64_t position) {
    const double now = clock_.at(position);
    law_.forget(now - clock_now_);
    clock_now_ = now;
    while (next_ < sorted_.size() && position_of(next_) <= position) {
      std::vector<double> weights;
      const size_t begin = next_;
      while (next_ < sorted_.size() && next_ - begin < kOnlineRowsAtOnce &&
             position_of(next_) <= position) {
        weights.push_back(kept_weight(alpha_, now - clock_.at(position_of(next_))));
        ++next_;
      }
      const auto rows = std::span<const int64_t>(sorted_).subspan(begin, next_ - begin);
      law_.observe(GatheredRows(queries_, rows).view(), weights);
    }
    return law_;
  }

 private:
  int64_t position_of(size_t index) const {
    return queries_.positions[static_cast<size_t>(sorted_[index])];
  }

  const HeadTable& queries_;
  std::vector<int64_t> sorted_;
  StepClock clock_;
  double alpha_;
  ForgettingLaw law_;
  double clock_now_ = 0;
  size_t next_ = 0;
};

struct Mean {
  double sum = 0;
  int64_t count = 0;
  std::set<int64_t> documents;
  void add(double value) {
    sum += value;
    ++count;
  }
  double value() const { return count > 0 ? sum / static_cast<double>(count) : kNotANumber; }
};

}  // namespace

int64_t later_bucket(const HeadTable& keys, const KeyPair& pair) {
  const auto a = static_cast<size_t>(pair.first);
  const auto b = static_cast<size_t>(pair.second);
  return keys.positions[b] > keys.positions[a] ? keys.buckets[b] : keys.buckets[a];
}

PlasticityResult measure_online(const PlasticityInput& input) {
  const MethodOptions& options = input.options.method_options;
  const HeadTable& keys = input.keys;
  QueryStream stream(input.queries, options, position_origin(input.queries, keys));
  std::map<std::pair<int64_t, int64_t>, Mean> cells;
  Mean overall;
  for (const OnlineTime& time :
       online_times(input.queries, keys, options, input.options.num_pairs_per_bucket, input.seed)) {
    const ForgettingLaw& law = stream.advance(time.position);
    Mean of_time;
    if (law.effective_queries() >= static_cast<double>(options.min_queries)) {
      std::vector<double> means(time.pairs.size());
      std::vector<double> variances(time.pairs.size());
      std::vector<double> differences(time.pairs.size() * static_cast<size_t>(keys.head_dim));
      subtract_keys(keys, time.pairs, differences);
      project_law(law.law(), differences, means, variances);
      for (size_t n = 0; n < means.size(); ++n) {
        if (!(variances[n] > 0)) continue;
        const double value = pair_plasticity(means[n], variances[n]);
        Mean& cell = cells[{time.q_bucket, later_bucket(keys, time.pairs[n])}];
        cell.add(value);
        cell.documents.insert(keys.example_ids[static_cast<size_t>(time.pairs[n].first)]);
        of_time.add(value);
      }
    }
    if (of_time.count > 0) overall.add(of_time.value());
    if (of_time.count == 0) cells[{time.q_bucket, time.q_bucket}];  // evaluated, without a value
  }
  PlasticityResult out;
  out.ap_overall = overall.value();
  const std::map<int64_t, BucketQueries> queries = count_bucket_queries(input.queries);
  for (const auto& [where, mean] : cells) {
    const BucketQueries& of_bucket = queries.at(where.first);
    out.buckets.push_back(
        {where.first, where.second, mean.value(), of_bucket.rows, mean.count,
         std::min(of_bucket.documents, std::ssize(mean.documents)),
         std::min(of_bucket.effective_documents, static_cast<double>(std::ssize(mean.documents)))});
  }
  return out;
}

}  // namespace qk
