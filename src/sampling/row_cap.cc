#include "sampling/row_cap.h"

#include "base/error.h"
#include "random/torch_rng.h"

namespace qk {

uint64_t row_cap_seed(int64_t layer, int64_t first_head, Kind kind, int64_t example_id) {
  const auto low = [](int64_t value, uint64_t mask) { return static_cast<uint64_t>(value) & mask; };
  return low(layer, 0xFFFF) ^ low(first_head, 0xFFFF) << 16 ^
         static_cast<uint64_t>(letter(kind)) << 32 ^ low(example_id, 0xFFFFFFFF) << 40;
}

std::vector<int32_t> cap_rows(std::span<const int32_t> selected, int64_t max_rows, uint64_t seed) {
  QK_CHECK(max_rows >= 1);
  const auto num_selected = static_cast<int64_t>(selected.size());
  if (num_selected <= max_rows) return {selected.begin(), selected.end()};
  std::vector<int64_t> order = TorchGenerator(seed).randperm(num_selected);
  order.resize(static_cast<size_t>(max_rows));
  std::vector<int32_t> kept;
  kept.reserve(order.size());
  for (const int64_t index : order) kept.push_back(selected[static_cast<size_t>(index)]);
  return kept;
}

}  // namespace qk
