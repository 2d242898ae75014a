#include "cluster/launcher.h"

#include <array>
#include <charconv>
#include <string_view>

namespace qk {
namespace {

// A launcher's variables; null: it has none for this.
struct LauncherVariables {
  LauncherKind kind;
  const char* name;
  const char* marker;  // set by no other launcher
  const char* size;
  const char* rank;
  const char* local_rank;
  const char* num_local_ranks;
};

// Those that run inside a step of another launcher come before it: mpirun starts its daemons with srun,
// so its ranks have the variables of a step whose tasks are the daemons.
constexpr std::array kLaunchers = {
    LauncherVariables{LauncherKind::kOpenMpi, "mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE",
                      "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
                      "OMPI_COMM_WORLD_LOCAL_SIZE"},
    LauncherVariables{LauncherKind::kPals, "mpiexec of PALS", "PALS_RANKID", "PMI_SIZE",
                      "PALS_RANKID", "PMI_LOCAL_RANK", "PMI_LOCAL_SIZE"},
    LauncherVariables{LauncherKind::kOther, "mpirun_rsh", "MV2_COMM_WORLD_SIZE",
                      "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_RANK",
                      "MV2_COMM_WORLD_LOCAL_SIZE"},
    LauncherVariables{LauncherKind::kHydra, "mpirun", "MPI_LOCALNRANKS", "PMI_SIZE", "PMI_RANK",
                      "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    LauncherVariables{LauncherKind::kOther, "flux run", "FLUX_JOB_SIZE", "FLUX_JOB_SIZE",
                      "FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID", nullptr},
    LauncherVariables{LauncherKind::kSlurm, "srun", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS",
                      "SLURM_PROCID", "SLURM_LOCALID", nullptr},
    LauncherVariables{LauncherKind::kOther, "the launcher", "PMI_SIZE", "PMI_SIZE", "PMI_RANK",
                      "PMI_LOCAL_RANK", "PMI_LOCAL_SIZE"},
};

std::optional<int> count_at_start(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<int> count_of(const Environment& get, const char* name) {
  const std::optional<std::string> text = name == nullptr ? std::nullopt : get(name);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const std::optional<int> value = count_at_start(rest);
  return rest.empty() ? value : std::nullopt;
}

// Of "2(x3),1", the tasks of four nodes, that of one node; none if the text is another.
std::optional<int> tasks_of_node(std::string_view text, int node) {
  while (true) {
    const std::optional<int> tasks = count_at_start(text);
    if (!tasks) return std::nullopt;
    int num_nodes = 1;
    if (text.starts_with("(x")) {
      text.remove_prefix(2);
      const std::optional<int> repeats = count_at_start(text);
      if (!repeats || !text.starts_with(")")) return std::nullopt;
      text.remove_prefix(1);
      num_nodes = *repeats;
    }
    if (node < num_nodes) return tasks;
    node -= num_nodes;
    if (!text.starts_with(",")) return std::nullopt;
    text.remove_prefix(1);
  }
}

std::optional<int> slurm_local_tasks(const Environment& get) {
  const std::optional<std::string> tasks = get("SLURM_STEP_TASKS_PER_NODE");
  const std::optional<int> node = count_of(get, "SLURM_NODEID");
  return tasks && node ? tasks_of_node(*tasks, *node) : std::nullopt;
}

std::optional<Launcher> as_started_by(const LauncherVariables& variables, const Environment& get) {
  if (!get(variables.marker)) return std::nullopt;
  const std::optional<int> size = count_of(get, variables.size);
  const std::optional<int> rank = count_of(get, variables.rank);
  if (!size || !rank || *rank >= *size) return std::nullopt;
  Launcher out{.kind = variables.kind, .name = variables.name, .rank = *rank, .num_ranks = *size};
  out.local_rank = count_of(get, variables.local_rank);
  out.num_local_ranks = variables.kind == LauncherKind::kSlurm
                            ? slurm_local_tasks(get)
                            : count_of(get, variables.num_local_ranks);
  if (!out.local_rank || out.num_local_ranks.value_or(*size) <= *out.local_rank) {
    out.local_rank.reset();
    out.num_local_ranks.reset();
  }
  out.has_pmix = get("PMIX_NAMESPACE").has_value();
  return out;
}

}  // namespace

Launcher find_launcher(const Environment& get) {
  for (const LauncherVariables& variables : kLaunchers) {
    const std::optional<Launcher> found = as_started_by(variables, get);
    if (found) return found->num_ranks > 1 ? *found : Launcher{};
  }
  return {};
}

}  // namespace qk
