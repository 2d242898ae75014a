// `qkscope report`: one page that shows what was measured.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command. It runs while the command line is parsed, and sets `exit_code` to 0.
void add_report_command(CLI::App& app, int& exit_code);

}  // namespace qk
