// `qkscope check`: proves a finished dataset.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command to the program; when it has run, exit_code is 0, or 1 if something is wrong.
void add_check_command(CLI::App& app, int& exit_code);

}  // namespace qk
