// Precautions for stdin, stdout and stderr.
#pragma once

namespace qk {

// Opens closed streams on /dev/null; otherwise a file that the run opens, such as its journal,
// would get their number, and messages would be written into it. Ignores SIGPIPE, so that a reader
// of stdout or stderr that goes away does not end the process. To be called once, before anything
// else.
void open_standard_streams();

// Flushes stdout and returns the exit code. If stdout could not be written, prints a sentence on
// stderr and returns 1 instead of 0; a reader that stopped early (`| head`) is not an error.
int finish_stdout(int exit_code);

}  // namespace qk
