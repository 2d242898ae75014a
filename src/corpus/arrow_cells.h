// Single cells of Arrow arrays, as Python sees them. Include from .cc files only: Arrow's headers.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "corpus/example_id.h"

namespace qk {

// string, large_string, string_view, or a dictionary of these.
bool is_text_type(const arrow::DataType& type);
// What id_cell() can read: the above, null, bool, integers, floats, binary, dictionaries of them.
bool is_id_type(const arrow::DataType& type);

// The bytes of the text; nothing for null. REQUIRES: is_text_type, 0 <= row < length.
std::optional<std::string_view> text_cell(const arrow::Array& array, int64_t row);

// REQUIRES: is_id_type, 0 <= row < length.
RawId id_cell(const arrow::Array& array, int64_t row);

}  // namespace qk
