// `qkscope sniff`: the capture run.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command; when it is chosen it runs while the command line is parsed, and leaves its exit
// code in `exit_code`.
void add_sniff_command(CLI::App& app, int& exit_code);

}  // namespace qk
