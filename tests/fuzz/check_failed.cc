// Replaces the function behind a failed QK_CHECK (--wrap) with a crash, so that libFuzzer notices
// it and keeps the input.
#include <cstdio>
#include <cstdlib>

extern "C" [[noreturn]] void
__wrap__ZN2qk12check_failedEPKcS1_i(  // NOLINT(bugprone-reserved-identifier)
    const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}
