// The id of a document as a 64-bit integer, whatever type the corpus gives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace qk {

// An id whose text is hashed whatever it looks like: types that have no variant member of their
// own (bytes, dates, lists, integers beyond 64 bits). The text is the str() of the value in Python.
struct OpaqueId {
  std::string text;
  bool operator==(const OpaqueId&) const = default;
};

// One cell of the id column. std::monostate is null; uint64_t is for integers above int64.
using RawId = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, OpaqueId>;

// The normalised id:
//   bool                     0 or 1
//   integer within int64     itself
//   integral double          that integer (-0.0 is 0)
//   everything else          blake2b8 of its text: strings as they are (digits too), null "None",
//                            larger integers in decimal, other doubles as python_float_text()
// Throws Error for an integral double outside int64.
int64_t normalise_example_id(const RawId& raw);

// The str() of the value in Python: strings as they are, null "None", booleans "True" and "False".
// Where the id is hashed, this is the text that is hashed.
std::string id_text(const RawId& raw);

// Python's str() of a bytes object: b'...' with \t \n \r \\ and \xhh escapes.
std::string python_bytes_text(std::string_view bytes);

}  // namespace qk
