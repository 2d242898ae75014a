// JSON from files that nobody has checked: no comments, no trailing commas, one value and nothing
// after it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace qk {

struct JsonLimits {
  int64_t depth = 100;         // of nested arrays and objects
  int64_t values = 4'000'000;  // about 200 MB; the header of 100,000 tensors has 800,000
};

// The whole text as a value, read strictly (RFC 8259, no duplicate keys). `place` names the file in messages. Integers in [-2^63, 2^64) stay
// integers, larger ones become double.
//
// Throws Error "<place>: line L, column C: ..." if the text is not JSON or not UTF-8 or a number
// does not fit a double, and "<place>: ..." if a key occurs twice in an object or a limit is
// passed.
nlohmann::json parse_json(std::string_view text, std::string_view place, JsonLimits limits = {});

// The same for a file that Python's json module reads (config.json and the index of shards), with
// what that module takes beside RFC 8259: NaN, Infinity and -Infinity, numbers that do not fit a
// double (infinite), unpaired surrogates in strings (here U+FFFD), and of a key that occurs twice in
// an object the last value.
nlohmann::json parse_python_json(std::string_view text, std::string_view place,
                                 JsonLimits limits = {});

}  // namespace qk
