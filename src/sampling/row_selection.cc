#include "sampling/row_selection.h"

#include "sampling/row_cap.h"

namespace qk {

RowSelector::RowSelector(const RowRules& rules, BucketRule rule)
    : sampler_(rules.sampler, rules.base_rate, rules.min_bucket_size),
      buckets_(rules.sampler, rules.min_bucket_size, rule),
      max_rows_(rules.max_rows),
      shared_(rules.shared_positions) {}

RowSelection RowSelector::select(int64_t example_id, int layer, Kind kind, int first_head,
                                 int64_t num_tokens) const {
  if (shared_) {
    layer = 0;
    kind = Kind::kQuery;
    first_head = 0;
  }
  RowSelection out;
  out.positions = sampler_.select(num_tokens, position_seed(example_id, layer, kind));
  if (max_rows_) {
    out.positions =
        cap_rows(out.positions, *max_rows_, row_cap_seed(layer, first_head, kind, example_id));
  }
  out.buckets.reserve(out.positions.size());
  for (const int32_t position : out.positions) out.buckets.push_back(buckets_.of(position));
  return out;
}

}  // namespace qk
