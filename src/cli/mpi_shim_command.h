// `qkscope mpi-shim`: prints the C file that makes an MPI library usable that this program does not know.
#pragma once

#include <CLI/CLI.hpp>

namespace qk {

void add_mpi_shim_command(CLI::App& app, int& exit_code);

}  // namespace qk
