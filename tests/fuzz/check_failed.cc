// A failed QK_CHECK ends the process without a word to libFuzzer. Linked in its place (--wrap): a
// crash, so that the input is kept.
#include <cstdio>
#include <cstdlib>

extern "C" [[noreturn]] void
__wrap__ZN2qk12check_failedEPKcS1_i(  // NOLINT(bugprone-reserved-identifier)
    const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}
