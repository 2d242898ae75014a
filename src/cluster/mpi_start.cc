#include "cluster/mpi_start.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "base/host.h"

namespace qk {
namespace {

// Of a fault that may be this copy's only: says where.
[[noreturn]] void fail_here(const Launcher& launcher, const std::string& sentence) {
  if (launcher.rank == 0) fail("{}", sentence);
  fail("{} (rank {}): {}", short_host_name(), launcher.rank, sentence);
}

MpiLibrary open_library(const Launcher& launcher, const std::string& choice,
                        const Environment& get) {
  try {
    return open_mpi(launcher, choice == "auto" ? "" : choice, get);
  } catch (const Error& error) {
    fail_here(launcher, error.what());
  }
}

// True: this copy is to say nothing.
bool refuse(const Launcher& launcher, const std::string& sentence) {
  if (launcher.rank == 0 && !sentence.empty()) fail("{}", sentence);
  return !sentence.empty();
}

}  // namespace

std::string refused_before_init(const Launcher& launcher, const MpiLibrary& library) {
  const bool needs_pmix = library.family == MpiFamily::kOpenMpi;
  if (launcher.kind != LauncherKind::kSlurm || launcher.has_pmix || !needs_pmix) return "";
  return fmt::format(
      "srun started {} copies without PMIx, which {} needs: --mpi=pmix is missing, or another MPI "
      "is meant (--mpi FILE names it)",
      launcher.num_ranks, library.name);
}

std::string refused_after_init(const Launcher& launcher, const MpiLibrary& library, int num_ranks) {
  if (num_ranks == launcher.num_ranks) return "";
  if (launcher.kind == LauncherKind::kSlurm) {
    return fmt::format(
        "srun started {} copies, but MPI sees {}: --mpi={} is missing, or the MPI is another one "
        "(found: {})",
        launcher.num_ranks, num_ranks, launcher.has_pmix ? "pmi2" : "pmix", library.name);
  }
  return fmt::format(
      "{} started {} copies, but MPI sees {}: the MPI is another one (found: {}, {}); --mpi FILE or "
      "QKSCOPE_MPI_LIB names the launcher's own",
      launcher.name, launcher.num_ranks, num_ranks, library.name, library.file);
}

MpiStart start_mpi(const std::string& choice, const Environment& get) {
  MpiStart out;
  if (choice == "off") return out;
  out.launcher = find_launcher(get);
  if (out.launcher.kind == LauncherKind::kNone) return out;
  out.library = open_library(out.launcher, choice, get);
  out.is_refused = refuse(out.launcher, refused_before_init(out.launcher, out.library));
  if (out.is_refused) return out;
  const QkMpiApi& api = *out.library.api;
  if (const int32_t code = api.init(); code != 0) {
    std::array<char, 512> text = {};
    api.error_text(code, text.data(), static_cast<int32_t>(text.size()));
    fail_here(out.launcher,
              fmt::format("{} cannot be initialised: {}", out.library.name, text.data()));
  }
  const std::string refusal = refused_after_init(out.launcher, out.library, api.size());
  if (!refusal.empty()) api.finalize();
  out.is_refused = refuse(out.launcher, refusal);
  if (!out.is_refused) out.transport = std::make_unique<MpiTransport>(api);
  return out;
}

}  // namespace qk
