// `qkscope verify`: compares a model's queries and keys with a reference file.
#pragma once

namespace CLI {
class App;
}

namespace qk {

// Adds the command. It runs while the command line is parsed, and sets `exit_code`: 0 if the model
// passes, else 1.
void add_verify_command(CLI::App& app, int& exit_code);

}  // namespace qk
