// The cap `max_rows_per_batch`: at most so many rows of one (document, layer, kind), chosen and
// ordered as the original does. Only the low 32 bits of the seed reach torch's generator, so that
// the choice depends on the number of rows, the layer and the first head alone (D-4 in
// docs/config.md): kept, because the rows taken must be the original's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "journal/capture_block.h"

namespace qk {

// first_head: the lowest captured head of that layer and kind.
uint64_t row_cap_seed(int64_t layer, int64_t first_head, Kind kind, int64_t example_id);

// The kept entries of `selected`, in the order of the permutation (not ascending). All of them, as
// they are, if there are at most max_rows. REQUIRES: max_rows >= 1.
std::vector<int32_t> cap_rows(std::span<const int32_t> selected, int64_t max_rows, uint64_t seed);

}  // namespace qk
