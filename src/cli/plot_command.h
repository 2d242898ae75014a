// `qkscope plot`: draws the results of `qkscope analyze`.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command, with one subcommand per figure. It runs while the command line is parsed, and
// sets `exit_code`.
void add_plot_command(CLI::App& app, int& exit_code);

}  // namespace qk
