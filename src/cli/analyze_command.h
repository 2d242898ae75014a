// `qkscope analyze`: measures every head of a dataset.
#pragma once

namespace CLI {
class App;
}

namespace qk {

void add_analyze_command(CLI::App& app, int& exit_code);

}  // namespace qk
