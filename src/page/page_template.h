// The page without data, as it is built from report/ and embedded in the program.
#pragma once

#include <string_view>

namespace qk {

// Where the data of a page goes, once.
inline constexpr std::string_view kDataPlace = "@@QKSCOPE_DATA@@";

std::string_view page_template();

}  // namespace qk
