// Integer columns of any width. Includes Arrow: for .cc files of this folder only.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qk {

// Signed or unsigned, 8 to 64 bits.
bool is_integer_type(const arrow::DataType& type);
// The above, float32 or float64: the original's positions may be floats.
bool is_position_type(const arrow::DataType& type);
// The above or null.
bool is_window_type(const arrow::DataType& type);

// Throws Error "row 17: column position: ..." for a null, a number beyond int64, or a float that is
// not whole. `first_row` counts in messages. REQUIRES: is_position_type.
void read_integers(const arrow::Array& array, const std::string& name, int64_t first_row,
                   std::vector<int64_t>& out);

// Null and NaN give nullopt. Throws Error for floats that are not whole. REQUIRES: is_window_type.
void read_windows(const arrow::Array& array, int64_t first_row,
                  std::vector<std::optional<int64_t>>& out);

}  // namespace qk
