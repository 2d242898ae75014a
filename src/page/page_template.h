// The page of `qkscope report` without data, as report/build.mjs makes it: part of the program
// (cmake/report_page.cmake). Threads: safe.
#pragma once

#include <string_view>

namespace qk {

// The text in the page that the data take the place of: it is there exactly once.
inline constexpr std::string_view kDataPlace = "@@QKSCOPE_DATA@@";

// Whether the program was built with a page.
bool has_page_template();

// ASCII, about 300 KB, valid as long as the program runs. Throws Error if the program was built
// without a page.
std::string_view page_template();

}  // namespace qk
