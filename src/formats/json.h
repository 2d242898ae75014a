// JSON from files that nobody has checked. Strict (RFC 8259): no comments, no trailing commas, no
// duplicate keys, one value and nothing after it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace qk {

// The whole text as a value. `place` names the file in messages.
//
// Throws Error "<place>: line L, column C: ..." if the text is not JSON or not UTF-8, and "<place>:
// ..." if a key occurs twice in an object, values are nested more than 100 deep, a number does not
// fit a double, or there are more than 8 million values. Integers in [-2^63, 2^64) stay integers,
// larger ones become double.
nlohmann::json parse_json(std::string_view text, std::string_view place);

}  // namespace qk
