// NaN and Infinity, which are not JSON, but which Python writes: for a parser that knows JSON only.
#pragma once

#include <string>

namespace qk {

// How they are spelt in a text after respell_non_numbers(); empty: they do not occur in it.
struct NonNumbers {
  std::string nan;
  std::string infinity;  // after a '-': minus infinity
};

// Replaces each NaN and Infinity that stands for a value, where Python's json module takes it for
// one, by a spelling of zero that occurs nowhere else in the text. What is inside strings, and
// every other byte, stays as it is.
NonNumbers respell_non_numbers(std::string& json);

}  // namespace qk
