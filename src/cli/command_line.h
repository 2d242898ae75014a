// The command line: parses it and runs the command that it names.
#pragma once

namespace qk {

// The exit code: 0 done, 1 a wrong command line or a run that was stopped. Throws Error for
// everything else that the user can mend. Started as sniff-qk it is `qkscope sniff`.
int run_command_line(int argc, char** argv);

}  // namespace qk
