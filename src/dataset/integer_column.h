// Columns of whole numbers, of whatever type they are stored in. Includes Arrow: for .cc files of
// this folder only.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataset/head_rows.h"

namespace qk {

// Integers of 8 to 64 bits, signed or unsigned; float16, float32, float64; decimals of up to 256
// bits.
bool is_whole_type(const arrow::DataType& type);

// Throws Error "row 17: column position: ..." for a null, a number beyond int64, a number that is
// not whole, or a float of 2^53 or more (float32: 2^24, float16: 2^11), which may be a rounded one.
// `first_row` counts in messages. REQUIRES: is_whole_type.
void read_integers(const arrow::Array& array, const std::string& name, int64_t first_row,
                   std::vector<int64_t>& out);

// The same for example_id, up to 2^64 - 1, into out.example_ids; sets out.has_large_ids and
// out.has_negative_ids if there are such.
void read_ids(const arrow::Array& array, int64_t first_row, HeadRowBatch& out);

// Null and NaN give nullopt, in a column of any type. Throws Error for anything else that is not a
// whole number.
void read_windows(const arrow::Array& array, int64_t first_row,
                  std::vector<std::optional<int64_t>>& out);

}  // namespace qk
