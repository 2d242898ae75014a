// `qkscope check`: checks every byte of a finished dataset.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command. It runs while the command line is parsed, and sets `exit_code`: 0 if the
// dataset is whole, else 1.
void add_check_command(CLI::App& app, int& exit_code);

}  // namespace qk
