// `qkscope inspect`: shows what a dataset holds and whether it is whole.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command. It runs while the command line is parsed, and sets `exit_code`: 0 if the
// dataset is whole, else 1.
void add_inspect_command(CLI::App& app, int& exit_code);

}  // namespace qk
