// What Python's json module reads and a strict parser refuses, respelt for such a parser.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace qk {

// Numbers of the strings of a JSON text: 0 is the first one, keys included.
struct RespeltStrings {
  std::vector<size_t> faulty;   // held what is not Unicode; U+FFFD is in its place
  std::vector<size_t> numbers;  // stand for the number that is their content
};

// Replaces, as far as the text is JSON for Python:
//   NaN, Infinity, -Infinity, and numbers too large for a double     by strings
//   in strings, bytes that are not UTF-8 and escaped lone surrogates by U+FFFD
// Every other byte stays as it is. Both lists ascend.
RespeltStrings respell_json(std::string& json);

}  // namespace qk
