// The MPI library of the machine, found and loaded when a launcher started several copies of the
// program; never linked, so the program runs where there is none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/launcher.h"
#include "cluster/mpi_api.h"
#include "cluster/mpi_families.h"

namespace qk {

struct MpiLibrary {
  const QkMpiApi* api = nullptr;  // as long as the process
  std::string file = {};
  std::string name = {};                 // "Open MPI 4.1.4"
  std::optional<MpiFamily> family = {};  // none: QKSCOPE_MPI_SHIM
};

// The libraries to try, in this order: those of the launcher's own installation (`launcher_folder`, and
// what OPAL_PREFIX, I_MPI_ROOT or CRAY_MPICH_DIR names), as far as these files exist; then names that
// the loader searches for, those of the launcher's family first.
std::vector<std::string> mpi_candidates(const Launcher& launcher, const Environment& get,
                                        const std::filesystem::path& launcher_folder);

// Where mpirun, or its daemon that started this process, is installed: /opt/openmpi for
// /opt/openmpi/bin/prted. Empty: not known.
std::filesystem::path launcher_folder();

// "Open MPI 4.1.4" of what MPI_Get_library_version says.
std::string short_mpi_name(std::string_view version);

// Why nothing can be loaded by this name, as far as that is known without loading: it names a file that
// is not there, or is no name of a library ("of"). Empty: it may be one.
std::string no_mpi_library(const std::string& name);

// `named` is what --mpi names, a file or a name for the loader; empty: QKSCOPE_MPI_SHIM or
// QKSCOPE_MPI_LIB, else the candidates. Throws Error.
MpiLibrary open_mpi(const Launcher& launcher, const std::string& named,
                    const Environment& get = environment_value);

}  // namespace qk
