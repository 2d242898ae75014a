// `qkscope hub status`: who we are on the Hub, what a repository has there, what is cached.
#pragma once

#include <CLI/CLI.hpp>

namespace qk {

void add_hub_command(CLI::App& app, int& exit_code);

}  // namespace qk
