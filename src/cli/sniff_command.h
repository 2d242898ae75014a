// `qkscope sniff`: the capture run.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command. It runs while the command line is parsed, and sets `exit_code`.
void add_sniff_command(CLI::App& app, int& exit_code);

}  // namespace qk
