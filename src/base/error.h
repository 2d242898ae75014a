// The one exception type, and the check for bugs.
//
// A user can cause it (file, option, disk, memory): throw Error, one sentence that names the thing,
// what was expected and what was found. It is caught once, in cli/main.cc: exit code 1.
// We caused it: QK_CHECK aborts the process with the place, in release builds too: exit code 2.
// An ordinary outcome (a tensor that may be absent): std::optional, no exception.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace qk {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail_formatted(fmt::string_view sentence, fmt::format_args args);

// Throws Error with the formatted sentence, as printable() text: a path in it may hold anything.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> sentence, Args&&... args) {
  fail_formatted(sentence, fmt::make_format_args(args...));
}

// Text from a file or a user, made safe for a message: control characters and bytes that are not
// UTF-8 become '?', and more than max_bytes are cut with "..." (never inside a UTF-8 sequence).
std::string printable(std::string_view text, size_t max_bytes = 120);

// Prints "file:line: check failed: expression" and ends the process with exit code 2.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

#define QK_CHECK(expression) \
  ((expression) ? (void)0 : ::qk::check_failed(#expression, __FILE__, __LINE__))

}  // namespace qk
