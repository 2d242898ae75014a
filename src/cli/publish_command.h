// `qkscope publish`.
#pragma once

namespace CLI {
class App;
}

namespace qk {

void add_publish_command(CLI::App& app, int& exit_code);

}  // namespace qk
