// `qkscope plot`: figures of what `qkscope analyze` measured.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command with one command below it for each figure; when it is chosen it runs while the
// command line is parsed, and leaves its exit code in `exit_code`.
void add_plot_command(CLI::App& app, int& exit_code);

}  // namespace qk
