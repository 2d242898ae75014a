// Well-formed UTF-8, as the Unicode standard and Python's strict decoder have it: no overlong
// forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace qk {

// The offset in bytes of the first sequence that is not well formed; nothing if the text is UTF-8.
std::optional<size_t> first_invalid_utf8(std::string_view text);

// The first `bytes` bytes of a text, or fewer: a character is not cut in two.
std::string_view utf8_prefix(std::string_view text, size_t bytes);

}  // namespace qk
