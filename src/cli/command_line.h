// The command line: parses it and runs the command that it names.
#pragma once

namespace qk {

// Returns the exit code: 0 success, 1 a wrong command line, a failed check or an interrupted run.
// Throws Error for every other user error. Started as sniff-qk it is `qkscope sniff`.
int run_command_line(int argc, char** argv);

}  // namespace qk
