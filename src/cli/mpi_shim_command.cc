#include "cli/mpi_shim_command.h"

#include <cstdio>

namespace qk {
namespace {

// src/cluster/mpi_shim.c
constexpr const char* kMpiShim =
#include "qk_mpi_shim.inc"  // made by cmake/mpi_shim.cmake
    ;

constexpr const char* kMpiShimExamples = R"(
Examples:
  qkscope mpi-shim > qk_mpi_shim.c
  mpicc -shared -fPIC -O2 -o libqk_mpi_shim.so qk_mpi_shim.c     with the compiler of that MPI
  export QKSCOPE_MPI_SHIM=$PWD/libqk_mpi_shim.so                 for all ranks

Open MPI 4 and 5, MPICH 3.1 and later with its relatives (Intel MPI, Cray MPICH, MVAPICH), and libraries with
the ABI of MPI 5 need none of this.)";

}  // namespace

void add_mpi_shim_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("mpi-shim", "Print the C file that fits an unusual MPI to this program");
  command->footer(kMpiShimExamples);
  command->callback([&exit_code] {
    std::fputs(kMpiShim, stdout);
    exit_code = 0;
  });
}

}  // namespace qk
