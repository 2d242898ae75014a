// From the launcher's variables to a transport over MPI, or to a sentence why not.
#pragma once

#include <memory>
#include <string>

#include "cluster/launcher.h"
#include "cluster/mpi_library.h"
#include "cluster/mpi_transport.h"

namespace qk {

struct MpiStart {
  Launcher launcher = {};
  MpiLibrary library = {};
  std::unique_ptr<MpiTransport> transport = nullptr;  // none: no launcher, or is_refused
  // Launcher and library do not belong together, and the process with rank 0 of the launcher has thrown
  // the Error: this one ends with exit code 0 and says nothing.
  bool is_refused = false;
};

// The Error of launcher and library that do not belong together, as far as it is known before MPI is
// initialised; empty: nothing is known. Without a PMIx server Open MPI ends the process inside of
// MPI_Init, with twenty lines from every copy, so that is said before. (An Open MPI 4 may have been built
// with Slurm's older PMI-2; then a shim is tried without this question: QKSCOPE_MPI_SHIM.)
std::string refused_before_init(const Launcher& launcher, const MpiLibrary& library);

// ... and afterwards: MPI must see as many ranks as the launcher started. A library that does not know the
// launcher takes each copy for the only rank of a run of its own.
std::string refused_after_init(const Launcher& launcher, const MpiLibrary& library, int num_ranks);

// `choice` is --mpi: "auto", "off", or a library. Loads and initialises MPI in this thread, which is from
// then on the only one that may use the transport, unless there is no launcher. Throws Error.
MpiStart start_mpi(const std::string& choice, const Environment& get = environment_value);

}  // namespace qk
