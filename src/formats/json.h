// JSON from files that nobody has checked. Strict (RFC 8259): no comments, no trailing commas, no
// duplicate keys, one value and nothing after it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace qk {

struct JsonLimits {
  int64_t depth = 100;         // of nested arrays and objects
  int64_t values = 4'000'000;  // about 200 MB; the header of 100,000 tensors has 800,000
};

// The whole text as a value. `place` names the file in messages. Integers in [-2^63, 2^64) stay
// integers, larger ones become double.
//
// Throws Error "<place>: line L, column C: ..." if the text is not JSON or not UTF-8 or a number
// does not fit a double, and "<place>: ..." if a key occurs twice in an object or a limit is
// passed.
nlohmann::json parse_json(std::string_view text, std::string_view place, JsonLimits limits = {});

}  // namespace qk
