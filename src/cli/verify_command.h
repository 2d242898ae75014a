// `qkscope verify`: queries and keys of a model against a reference dump.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command; when it is chosen it runs while the command line is parsed, and leaves its exit
// code in `exit_code`: 1 if the model fails.
void add_verify_command(CLI::App& app, int& exit_code);

}  // namespace qk
