#include "doctor/cluster_findings.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "base/number_text.h"
#include "cluster/mpi_library.h"
#include "cluster/mpi_start.h"

namespace qk {
namespace {

Finding job_finding(const Environment& get, const JobQuestions& ask) {
  Finding out = {.name = "job", .text = "none of Slurm or PBS", .facts = {{"system", nullptr}}};
  const std::optional<std::string> slurm = get("SLURM_JOB_ID");
  const std::optional<std::string> pbs = get("PBS_JOBID");
  if (!slurm && !pbs) return out;
  const std::string id = printable(slurm ? *slurm : *pbs);
  const std::string nodes = slurm ? get("SLURM_JOB_NUM_NODES").value_or("") : "";
  out.text = fmt::format("{} {}", slurm ? "Slurm" : "PBS", id);
  out.facts = {{"system", slurm ? "slurm" : "pbs"}, {"id", id}};
  if (!nodes.empty()) out.text += fmt::format(", nodes: {}", printable(nodes));
  const JobTime time = find_time_limit(ask);
  if (time.left) {
    out.text += fmt::format(", {} left", seconds_text(*time.left));
    out.facts["seconds_left"] = *time.left;
  } else {
    out.text += ", no time limit is known";
    out.state = FindingState::kNote;
    out.remedy = "give the run its limit, so that it stops in time: sniff --time-limit 3h55m";
  }
  return out;
}

bool is_set(const Environment& get, const char* name) { return !get(name).value_or("").empty(); }

Finding launcher_finding(const Launcher& launcher) {
  Finding out = {
      .name = "launcher", .text = "none: this process runs alone", .facts = {{"name", nullptr}}};
  if (launcher.kind == LauncherKind::kNone) return out;
  out.text = fmt::format("{}: rank {} of {}", launcher.name, launcher.rank, launcher.num_ranks);
  out.facts = {{"name", launcher.name}, {"rank", launcher.rank}, {"ranks", launcher.num_ranks}};
  return out;
}

Finding mpi_finding(const Launcher& launcher, const Environment& get) {
  const bool is_named = is_set(get, "QKSCOPE_MPI_LIB") || is_set(get, "QKSCOPE_MPI_SHIM");
  const bool is_needed = is_named || launcher.kind != LauncherKind::kNone;
  Finding out = {.name = "MPI", .text = "", .facts = {{"library", nullptr}}};
  try {
    const MpiLibrary library = open_mpi(launcher, "", get);
    out.text = fmt::format("{} ({})", library.name, printable(library.file, 300));
    out.facts = {{"library", library.name}, {"path", printable(library.file, 300)}};
    if (launcher.kind == LauncherKind::kNone) return out;
    const std::string refused = refused_before_init(launcher, library);
    if (refused.empty()) return out;
    out.text += ": " + refused;
    out.remedy = "docs/cluster.md, \"When something goes wrong\"; --mpi off runs without MPI";
    out.state = FindingState::kFault;
  } catch (const Error& error) {
    if (!is_needed) {
      out.text = "no library was found; it is needed only for runs over several nodes";
      return out;
    }
    out.text = error.what();
    out.state = FindingState::kFault;
    out.remedy =
        "load the module of your MPI, or name its library in QKSCOPE_MPI_LIB "
        "(docs/cluster.md)";
  }
  return out;
}

}  // namespace

FindingSection cluster_findings(const Environment& get, const JobQuestions& ask) {
  const Launcher launcher = find_launcher(get);
  return {"cluster",
          {job_finding(get, ask), launcher_finding(launcher), mpi_finding(launcher, get)}};
}

}  // namespace qk
