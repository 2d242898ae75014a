// `qkscope init`: a first configuration for a model and a corpus.
#pragma once

namespace CLI {
class App;
}

namespace qk {

void add_init_command(CLI::App& app, int& exit_code);

}  // namespace qk
