// dataset.split as `datasets` writes it: splits, slices of them, and sums of both: "train[:100]",
// "test[10:20]", "train[-5:]", "train[25%:75%]", "train+test[:10%]".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qk {

struct SplitSlice {
  std::string split;
  std::optional<int64_t> from, to;  // below 0: from the end
  bool is_percent = false;          // of the rows, rounded to the nearest one

  // Its rows depend on how many there are.
  bool needs_num_rows() const { return is_percent || from.value_or(0) < 0 || to.value_or(0) < 0; }
};

// The terms of the sum, at least one. Text of another form is the name of one split as it stands.
std::vector<SplitSlice> parse_split(const std::string& text);

struct RowRange {
  int64_t begin = 0;
  std::optional<int64_t> end;  // none: to the last row
};

// The rows of the slice, of a split with num_rows rows. Throws Error naming dataset.split: more
// than 100%. REQUIRES: num_rows is known if slice.needs_num_rows().
RowRange rows_of(const SplitSlice& slice, std::optional<int64_t> num_rows);

}  // namespace qk
