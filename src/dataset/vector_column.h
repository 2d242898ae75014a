// A column of vectors, of whatever type it is stored in, as rows of float32. Includes Arrow: for
// .cc files of this folder only.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qk {

// A list, as every kind of list in a Parquet file is read if Arrow's own notes are left aside, of
// float32, float16, float64, uint16, int16 or fixed_size_binary[2]; the last three hold the bits of
// bfloat16.
bool is_vector_type(const arrow::DataType& type);

// Where rows come from, for messages.
struct VectorColumn {
  const std::string& name;
  int64_t first_row = 0;
};

// The numbers of all rows, [rows, dim]; `converted` holds them if they are not stored as float32.
// `dim` is the length of every vector; 0: not yet known, it is set.
// Throws Error: a null, a vector of another length or of none, a number that is not finite, a
// float64 that float32 does not hold exactly, 16-bit integers that cannot be the bits of bfloat16.
// REQUIRES: is_vector_type.
std::span<const float> vector_rows(const arrow::Array& array, const VectorColumn& column,
                                   int64_t& dim, std::vector<float>& converted);

}  // namespace qk
