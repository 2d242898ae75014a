// `qkscope inspect`: what a dataset holds, and whether it is whole.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command; when it is chosen it runs while the command line is parsed, and leaves its exit
// code in `exit_code`: 1 if the dataset is damaged or not finished.
void add_inspect_command(CLI::App& app, int& exit_code);

}  // namespace qk
