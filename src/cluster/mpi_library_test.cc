#include "cluster/mpi_library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "cluster/mpi_start.h"

namespace qk {
namespace mpi_library_test {

namespace fs = std::filesystem;

const Launcher kSrun = {.kind = LauncherKind::kSlurm, .name = "srun", .num_ranks = 64};
const Launcher kSrunPmix = {
    .kind = LauncherKind::kSlurm, .name = "srun", .num_ranks = 64, .has_pmix = true};
const Launcher kOpenMpirun = {
    .kind = LauncherKind::kOpenMpi, .name = "mpirun of Open MPI", .num_ranks = 4, .has_pmix = true};
const Launcher kMpirun = {.kind = LauncherKind::kHydra, .name = "mpirun", .num_ranks = 4};

Environment environment_of(const std::map<std::string, std::string>& variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
}

void touch(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "x";
}

TEST(MpiCandidates, TheLaunchersFamilyIsFirst) {
  EXPECT_EQ(mpi_candidates(kOpenMpirun, environment_of({}), "").front(), "libmpi.so.40");
  EXPECT_EQ(mpi_candidates(kSrunPmix, environment_of({}), "").front(), "libmpi.so.40");
  EXPECT_EQ(mpi_candidates(kSrun, environment_of({}), "").front(), "libmpi.so.12");
  const auto names = mpi_candidates(kMpirun, environment_of({}), "");
  EXPECT_EQ(names.front(), "libmpi.so.12");
  EXPECT_EQ(names.back(), "libmpi.so.80");
  EXPECT_EQ(names.size(), 8U);
}

TEST(MpiCandidates, TheLaunchersOwnInstallation) {
  const TestFolder folder;
  touch(folder.path() / "open/lib/libmpi.so.40");
  touch(folder.path() / "intel/lib/release/libmpi.so.12");
  touch(folder.path() / "cray/lib/libmpi_gnu_91.so.12");
  touch(folder.path() / "cray/lib/libmpi_gnu_112.so.11");
  touch(folder.path() / "cray/lib/libmpi_cray.so.12");
  const Environment get = environment_of({{"OPAL_PREFIX", (folder.path() / "open").string()},
                                          {"I_MPI_ROOT", (folder.path() / "intel").string()},
                                          {"CRAY_MPICH_DIR", (folder.path() / "cray").string()}});
  const std::string open_mpi = (folder.path() / "open/lib/libmpi.so.40").string();
  EXPECT_EQ(mpi_candidates(kOpenMpirun, get, "").front(), open_mpi);
  EXPECT_EQ(mpi_candidates(kOpenMpirun, environment_of({}), folder.path() / "open").front(),
            open_mpi);
  const auto others = mpi_candidates(kMpirun, get, folder.path() / "nowhere");
  EXPECT_EQ(others[0], (folder.path() / "intel/lib/release/libmpi.so.12").string());
  EXPECT_EQ(others[1], (folder.path() / "cray/lib/libmpi_gnu_91.so.12").string());
  EXPECT_EQ(others[2], (folder.path() / "cray/lib/libmpi_cray.so.12").string());
  EXPECT_EQ(others[3], "libmpi.so.12");
}

TEST(ShortMpiName, OfWhatLibrariesSay) {
  EXPECT_EQ(short_mpi_name("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, May 26, 2022"),
            "Open MPI 4.1.4");
  EXPECT_EQ(short_mpi_name("MPICH Version:      4.0.2\nMPICH Release date: Thu Apr  7 2022\n"),
            "MPICH 4.0.2");
  EXPECT_EQ(short_mpi_name("Intel(R) MPI Library 2021.13 for Linux* OS\n"),
            "Intel(R) MPI Library 2021.13");
  EXPECT_EQ(short_mpi_name("MPI VERSION    : CRAY MPICH version 8.1.25.17 (ANL base 3.4a2)\n"),
            "CRAY MPICH 8.1.25.17");
  EXPECT_EQ(short_mpi_name("MVAPICH2 Version      :\t2.3.7\n"), "MVAPICH2 2.3.7");
  EXPECT_EQ(short_mpi_name(""), "");
}

TEST(OpenMpi, NamesThatCannotBeALibraryAreKnownWithoutLoading) {
  const TestFolder folder;
  const std::string file = (folder.path() / "mine").string();
  EXPECT_EQ(no_mpi_library(file), "there is no such file");
  touch(file);
  EXPECT_EQ(no_mpi_library(file), "");
  EXPECT_EQ(no_mpi_library("of"), "is not the name of a library, such as libmpi.so.40");
  EXPECT_EQ(no_mpi_library("libmpi.so.40"), "");  // the loader knows where
}

TEST(OpenMpi, WhatIsNamedMustBeAnMpi) {
  EXPECT_EQ(error_of([] { open_mpi(kMpirun, "libc.so.6", environment_of({})); }),
            "libc.so.6: expected an MPI library, found no MPI_Init_thread in it");
  const TestFolder folder;
  const std::string file = (folder.path() / "libmpi.so").string();
  touch(file);
  EXPECT_EQ(error_of([&] { open_mpi(kMpirun, file, environment_of({})); }),
            "--mpi: " + file + ": cannot be loaded: " + file + ": file too short");
  EXPECT_EQ(error_of([&] { open_mpi(kMpirun, "", environment_of({{"QKSCOPE_MPI_LIB", file}})); }),
            "QKSCOPE_MPI_LIB: " + file + ": cannot be loaded: " + file + ": file too short");
  EXPECT_EQ(
      error_of([&] { open_mpi(kMpirun, "", environment_of({{"QKSCOPE_MPI_SHIM", "libc.so.6"}})); }),
      "QKSCOPE_MPI_SHIM: libc.so.6: expected a library made from what this version's "
      "`qkscope mpi-shim` prints (table 1), found another");
}

// Libraries of Open MPI, of the MPICH family and of the standard, as far as it is looked at.
TEST(FindMpiFamily, BySymbols) {
  static int answer = -1;
  static int object = 0;
  const auto get_version = +[](int* major, int* minor) { return *major = answer, *minor = 0, 0; };
  const auto with = [&](std::vector<std::string> names) {
    return find_mpi_family([&, names](const char* name) -> void* {
      if (std::find(names.begin(), names.end(), name) == names.end()) return nullptr;
      return std::string(name) == "MPI_Abi_get_version" ? reinterpret_cast<void*>(get_version)
                                                        : &object;
    });
  };
  EXPECT_EQ(with({}), std::nullopt);
  EXPECT_EQ(with({"MPI_Init_thread"}), MpiFamily::kMpich);
  EXPECT_EQ(with({"MPI_Init_thread", "ompi_mpi_comm_world"}), MpiFamily::kOpenMpi);
  EXPECT_EQ(with({"MPI_Init_thread", "MPI_Abi_get_version"}), MpiFamily::kMpich);
  EXPECT_EQ(with({"MPI_Init_thread", "MPI_Abi_get_version", "ompi_mpi_comm_world"}),
            MpiFamily::kOpenMpi);
  answer = 1;
  EXPECT_EQ(with({"MPI_Init_thread", "MPI_Abi_get_version", "ompi_mpi_comm_world"}),
            MpiFamily::kStandard);
}

TEST(MpiApiOf, ASymbolThatIsMissing) {
  static int object = 0;
  EXPECT_EQ(error_of([] {
              mpi_api_of(MpiFamily::kMpich, "libmpi.so.1", [](const char* name) -> void* {
                return std::string(name) == "MPI_Comm_split_type" ? nullptr : &object;
              });
            }),
            "libmpi.so.1: expected the symbol MPI_Comm_split_type of MPI 3, found none");
}

TEST(Refusals, LauncherAndLibraryMustFit) {
  const MpiLibrary open_mpi_4 = {
      .file = "/l/libmpi.so.40", .name = "Open MPI 4.1.4", .family = MpiFamily::kOpenMpi};
  const MpiLibrary mpich = {
      .file = "/l/libmpich.so.12", .name = "MPICH 4.0.2", .family = MpiFamily::kMpich};
  EXPECT_EQ(refused_before_init(kSrunPmix, open_mpi_4), "");
  EXPECT_EQ(refused_before_init(kOpenMpirun, open_mpi_4), "");
  EXPECT_EQ(refused_before_init(kSrun, mpich), "");
  EXPECT_EQ(
      refused_before_init(kSrun, open_mpi_4),
      "srun started 64 copies without PMIx, which Open MPI 4.1.4 needs: --mpi=pmix is missing, "
      "or another MPI is meant (--mpi FILE names it)");
  EXPECT_EQ(refused_before_init(kSrun, {.name = "Open MPI 4.1.4"}), "");  // a shim

  EXPECT_EQ(refused_after_init(kSrun, mpich, 64), "");
  EXPECT_EQ(refused_after_init(kSrun, mpich, 1),
            "srun started 64 copies, but MPI sees 1: --mpi=pmix is missing, or the MPI is another "
            "one (found: MPICH 4.0.2)");
  EXPECT_EQ(refused_after_init(kOpenMpirun, mpich, 1),
            "mpirun of Open MPI started 4 copies, but MPI sees 1: the MPI is another one (found: "
            "MPICH 4.0.2, /l/libmpich.so.12); --mpi FILE or QKSCOPE_MPI_LIB names the launcher's "
            "own");
}

TEST(StartMpi, WithoutALauncherThereIsNone) {
  const MpiStart alone = start_mpi("auto", environment_of({{"SLURM_NTASKS", "4"}}));
  EXPECT_EQ(alone.transport, nullptr);
  EXPECT_EQ(alone.library.api, nullptr);
  EXPECT_FALSE(alone.is_refused);
  const Environment step = environment_of(
      {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "1"}});
  EXPECT_EQ(start_mpi("off", step).transport, nullptr);
  // Copies other than the first say where they are.
  const std::string sentence = error_of([&] { start_mpi("/no/libmpi.so", step); });
  EXPECT_NE(sentence.find(" (rank 1): --mpi: /no/libmpi.so: cannot be loaded: "), std::string::npos)
      << sentence;
}

}  // namespace mpi_library_test
}  // namespace qk
