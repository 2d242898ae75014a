// Who started this process, and as one of how many: read from the variables that launchers set.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/environment.h"

namespace qk {

enum class LauncherKind : uint8_t {
  kNone,     // nobody, or as a single copy
  kOpenMpi,  // mpirun of Open MPI
  kHydra,    // mpirun of MPICH or Intel MPI
  kPals,     // mpiexec of an HPE Cray machine
  kSlurm,    // srun
  kOther,    // any other that speaks PMI: Flux, mpirun_rsh
};

struct Launcher {
  LauncherKind kind = LauncherKind::kNone;
  std::string name = {};  // for sentences: "srun", "mpirun of Open MPI"
  int rank = 0;           // as the launcher counts
  int num_ranks = 1;
  std::optional<int> local_rank = {}, num_local_ranks = {};  // on this node
  bool has_pmix = false;                                     // a PMIx server serves this process
  bool operator==(const Launcher&) const = default;
};

// As environment_value().
using Environment = std::function<std::optional<std::string>(const char* name)>;

// Variables that are no numbers, or a rank that is none of so many, count as not set. A launcher that
// started a single copy is none, and a batch script's own environment is none either: it has the
// variables of the job, not those of a step.
Launcher find_launcher(const Environment& get = environment_value);

}  // namespace qk
