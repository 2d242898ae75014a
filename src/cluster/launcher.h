// Who started this process, and as one of how many: read from the variables that launchers set.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace qk {

enum class LauncherKind { kNone, kOpenMpi, kHydra, kSlurm, kPalsOrOther };

struct Launcher {
  LauncherKind kind = LauncherKind::kNone;
  std::string name;                                // for sentences: "srun", "mpirun of Open MPI"
  int num_ranks = 1;                               // as the launcher says
  std::optional<int> local_rank, num_local_ranks;  // on this node
};

// get: getenv, as text; empty pointer semantics: none if unset.
Launcher find_launcher(const std::function<std::optional<std::string>(const char*)>& get);

}  // namespace qk
