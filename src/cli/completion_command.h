// `qkscope completion` and `qkscope man-pages`: files for shells and for man, from the
// declarations.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds both commands to `app`, whose declarations they print.
void add_completion_command(CLI::App& app, int& exit_code);
void add_man_pages_command(CLI::App& app, int& exit_code);

}  // namespace qk
