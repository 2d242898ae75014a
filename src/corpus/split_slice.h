// A slice of a split, as `datasets` writes it in dataset.split: "train[:100]", "test[10:20]",
// "train[-5:]", "train[25%:75%]".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace qk {

struct SplitSlice {
  std::string split;
  std::optional<int64_t> from, to;  // below 0: from the end
  bool is_percent = false;          // of the rows, rounded to the nearest one
};

// Text of another form is the name of a split as it stands.
SplitSlice parse_split_slice(const std::string& text);

struct RowRange {
  int64_t begin = 0;
  std::optional<int64_t> end;  // none: to the last row
};

// The rows of the slice, of a split with so many rows. Throws Error naming dataset.split: the
// number of rows is needed and not known, or more than 100%.
RowRange rows_of(const SplitSlice& slice, std::optional<int64_t> num_rows);

}  // namespace qk
