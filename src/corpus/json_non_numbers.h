// NaN and Infinity in JSON text, as Python writes them: respelt for a parser that knows only JSON.
#pragma once

#include <string>

namespace qk {

// How they are spelt in a text after respell_non_numbers(); empty: they do not occur in it.
struct NonNumbers {
  std::string nan;
  std::string infinity;  // after a '-': minus infinity
};

// Replaces each NaN and Infinity that stands for a value, as Python's json module reads it, by a
// spelling of zero that occurs nowhere else in the text. What is inside strings, and
// every other byte, stays as it is.
NonNumbers respell_non_numbers(std::string& json);

}  // namespace qk
