// `qkscope doctor`: what this machine has, what is configured, what will be used, what does not
// work.
#pragma once

namespace CLI {
class App;
}

namespace qk {

void add_doctor_command(CLI::App& app, int& exit_code);

}  // namespace qk
