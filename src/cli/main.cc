#include <cstdio>
#include <exception>

#include "base/caught_error.h"
#include "cli/command_line.h"
#include "cli/standard_streams.h"

// Exit codes: 0 success; 1 user error, or a failed check; 2 a bug in Qkscope; 75 stopped by
// a signal; it can be continued.
int main(int argc, char** argv) {
  qk::open_standard_streams();
  try {
    return qk::finish_stdout(qk::run_command_line(argc, argv));
  } catch (const std::exception&) {
    const qk::CaughtError error = qk::caught_error();
    std::fprintf(stderr, "qkscope: %s\n", error.sentence.c_str());
    return error.exit_code;
  }
}
