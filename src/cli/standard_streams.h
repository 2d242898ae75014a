// What a program must see to about stdin, stdout and stderr.
#pragma once

namespace qk {

// Opens those that are closed on nothing: a file that the run opens, such as its journal, would get
// their number, and what is told to the user would be written into it. A reader of stdout or stderr
// that goes away does not end the process any more (SIGPIPE). To be called once, first of all.
void open_standard_streams();

// Flushes stdout. Returns the exit code: 1, after a sentence on stderr, if what was told on stdout
// could not be written; a reader that did not want all of it (`| head`) is no fault.
int finish_stdout(int exit_code);

}  // namespace qk
