#include "cluster/mpi_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/process_stat.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// libmpi.so.40 is Open MPI's since version 3.0. The ABI of MPICH is libmpi.so.12 where it was installed
// from its sources, from a wheel or by Intel, and libmpich.so.12 on Debian.
constexpr std::array kOpenMpiNames = {"libmpi.so.40", "libmpi.so.80"};
constexpr std::array kMpichNames = {"libmpi.so.12", "libmpich.so.12", "libmpi_gnu.so.12",
                                    "libmpi_cray.so.12"};
constexpr std::array kStandardNames = {"libmpi_abi.so.1", "libmpi_abi.so.0"};
constexpr std::array kLauncherPrograms = {"mpirun",          "mpiexec", "mpiexec.hydra",
                                          "hydra_pmi_proxy", "orterun", "orted",
                                          "prterun",         "prted",   "prte"};
constexpr int kMaxAncestors = 8;

bool expects_open_mpi(const Launcher& launcher) {
  return launcher.kind == LauncherKind::kOpenMpi ||
         (launcher.kind == LauncherKind::kSlurm && launcher.has_pmix);
}

std::vector<std::string> library_names(const Launcher& launcher) {
  std::vector<std::string> open_mpi(kOpenMpiNames.begin(), kOpenMpiNames.end());
  std::vector<std::string> mpich(kMpichNames.begin(), kMpichNames.end());
  const bool open_mpi_first = expects_open_mpi(launcher);
  std::vector<std::string> out = open_mpi_first ? open_mpi : mpich;
  const std::vector<std::string>& others = open_mpi_first ? mpich : open_mpi;
  // One of the standard ABI may be of either family: it comes after those that surely fit.
  out.insert(out.end(), kStandardNames.begin(), kStandardNames.end());
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

void add_files(const fs::path& folder, const std::vector<std::string>& names,
               std::vector<std::string>& out) {
  std::error_code no_file;
  for (const std::string& name : names) {
    if (fs::exists(folder / name, no_file)) out.push_back((folder / name).string());
  }
}

// Cray names its libraries after compilers and their versions: libmpi_gnu_112.so.12. The newest of GNU.
void add_cray_files(const fs::path& folder, std::vector<std::string>& out) {
  std::error_code no_folder;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder, no_folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("libmpi_gnu") && name.ends_with(".so.12")) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  out.insert(out.end(), found.begin(), found.end());
  add_files(folder, {"libmpi_cray.so.12"}, out);
}

// What kept a library from being loaded, without the name that dlerror puts first.
std::string loader_sentence() {
  const char* const text = ::dlerror();
  return text == nullptr ? "no reason given" : text;
}

std::string version_of(const QkMpiApi& api) {
  std::array<char, 4096> text = {};
  api.library_version(text.data(), static_cast<int32_t>(text.size()));
  return short_mpi_name(text.data());
}

std::string file_of(void* address, const std::string& otherwise) {
  Dl_info info = {};
  return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : otherwise;
}

MpiLibrary use_library(void* handle, const std::string& file) {
  const MpiSymbols symbols = [handle](const char* name) { return ::dlsym(handle, name); };
  MpiLibrary out;
  out.family = find_mpi_family(symbols);
  if (!out.family) fail("{}: expected an MPI library, found no MPI_Init_thread in it", file);
  out.api = &mpi_api_of(*out.family, file, symbols);
  out.file = file_of(symbols("MPI_Init_thread"), file);
  out.name = version_of(*out.api);
  return out;
}

// RTLD_GLOBAL: plugins of MPI libraries expect their symbols there.
void* load(const std::string& file) { return ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL); }

MpiLibrary use_named(std::string_view option, const std::string& file) {
  void* const handle = load(file);
  if (handle == nullptr) fail("{}: {}: cannot be loaded: {}", option, file, loader_sentence());
  return use_library(handle, file);
}

MpiLibrary use_shim(const std::string& file) {
  void* const handle = load(file);
  if (handle == nullptr) {
    fail("QKSCOPE_MPI_SHIM: {}: cannot be loaded: {}", file, loader_sentence());
  }
  const auto function = reinterpret_cast<QkMpiApiFunction>(::dlsym(handle, QK_MPI_API_FUNCTION));
  const QkMpiApi* const api = function == nullptr ? nullptr : function();
  if (api == nullptr || api->api_version != QK_MPI_API_VERSION) {
    fail(
        "QKSCOPE_MPI_SHIM: {}: expected a library made from what this version's `qkscope mpi-shim` "
        "prints (table {}), found another",
        file, QK_MPI_API_VERSION);
  }
  return {.api = api, .file = file, .name = version_of(*api)};
}

}  // namespace

std::vector<std::string> mpi_candidates(const Launcher& launcher, const Environment& get,
                                        const fs::path& launcher_folder) {
  const std::vector<std::string> names = library_names(launcher);
  std::vector<std::string> out;
  const auto add_installation = [&](const fs::path& folder,
                                    std::initializer_list<const char*> parts) {
    for (const char* part : parts) add_files(folder / part, names, out);
  };
  if (const auto prefix = get("OPAL_PREFIX"); prefix && expects_open_mpi(launcher)) {
    add_installation(*prefix, {"lib", "lib64"});
  }
  if (!expects_open_mpi(launcher)) {
    if (const auto root = get("I_MPI_ROOT")) {
      add_installation(*root, {"lib/release", "lib", "intel64/lib/release"});
    }
    if (const auto folder = get("CRAY_MPICH_DIR")) add_cray_files(fs::path(*folder) / "lib", out);
  }
  if (!launcher_folder.empty()) add_installation(launcher_folder, {"lib", "lib64"});
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

fs::path launcher_folder() {
  int64_t process = ::getppid();
  for (int i = 0; i < kMaxAncestors && process > 1; ++i) {
    std::error_code error;
    const fs::path program = fs::read_symlink(fmt::format("/proc/{}/exe", process), error);
    const std::string name = program.filename().string();
    if (std::find(kLauncherPrograms.begin(), kLauncherPrograms.end(), name) !=
        kLauncherPrograms.end()) {
      return program.parent_path().parent_path();
    }
    const auto stat = process_stat(process);
    process = stat ? stat->parent : 0;
  }
  return {};
}

std::string short_mpi_name(std::string_view version) {
  constexpr std::string_view kCray = "MPI VERSION";
  if (version.starts_with(kCray)) version.remove_prefix(kCray.size());
  std::istringstream line(std::string(version.substr(0, version.find('\n'))));
  std::string out;
  for (std::string word; line >> word;) {
    while (word.ends_with(',') || word.ends_with(':')) word.pop_back();
    if (word.empty() || word == "Version" || word == "version") continue;
    const size_t digits = word.starts_with('v') ? 1 : 0;
    const bool is_number =
        word.size() > digits && std::isdigit(static_cast<unsigned char>(word[digits])) != 0;
    out += (out.empty() ? "" : " ") + (is_number ? word.substr(digits) : word);
    if (is_number) break;
  }
  return printable(out, 80);
}

std::string no_mpi_library(const std::string& name) {
  std::error_code error;
  if (name.find('/') != std::string::npos) {
    return fs::exists(name, error) || error ? "" : "there is no such file";
  }
  return name.find(".so") == std::string::npos
             ? "is not the name of a library, such as libmpi.so.40"
             : "";
}

MpiLibrary open_mpi(const Launcher& launcher, const std::string& named, const Environment& get) {
  if (!named.empty()) return use_named("--mpi", named);
  if (const auto shim = get("QKSCOPE_MPI_SHIM"); shim && !shim->empty()) return use_shim(*shim);
  if (const auto file = get("QKSCOPE_MPI_LIB"); file && !file->empty()) {
    return use_named("QKSCOPE_MPI_LIB", *file);
  }
  const std::vector<std::string> candidates = mpi_candidates(launcher, get, launcher_folder());
  std::string broken;
  for (const std::string& file : candidates) {
    if (void* const handle = load(file); handle != nullptr) return use_library(handle, file);
    const std::string reason = loader_sentence();
    // That of a library which is there, but lacks another: worth more than a list of names.
    if (broken.empty() && reason.find("No such file") == std::string::npos) broken = reason;
    if (broken.empty() && !reason.starts_with(file)) broken = reason;
  }
  if (!broken.empty()) {
    fail("{} started {} copies, but its MPI library cannot be loaded: {}", launcher.name,
         launcher.num_ranks, broken);
  }
  fail(
      "{} started {} copies, but no MPI library was found (tried {}): --mpi FILE or QKSCOPE_MPI_LIB "
      "names it, --mpi off runs without",
      launcher.name, launcher.num_ranks, fmt::join(candidates, ", "));
}

}  // namespace qk
