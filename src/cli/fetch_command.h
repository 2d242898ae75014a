// `qkscope fetch`: brings a dataset or a model from the Hub, whole or in part.
#pragma once

#include <CLI/CLI.hpp>

namespace qk {

void add_fetch_command(CLI::App& app, int& exit_code);

}  // namespace qk
