#include "doctor/machine_findings.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/host.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "download/disk_room.h"
#include "kernels/simd_name.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr double kLittleMemory = 2e9;  // bytes
constexpr double kLittleDisk = 1e9;    // bytes
// Highway's names of vectors of 128 bits, or none.
constexpr std::array<std::string_view, 5> kSlowSimd = {"SSE2", "SSSE3", "SSE4", "EMU128", "SCALAR"};

// What follows the key and the separator in the first line that begins with the key; quotes are
// taken off.
std::string value_in(const fs::path& path, std::string_view key, char separator) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    std::string value = line.substr(at + 1);
    std::erase(value, '"');
    value.erase(0, value.find_first_not_of(' '));
    return printable(value);
  }
  return "";
}

Finding system_finding(const MachineFiles& files) {
  utsname system = {};
  ::uname(&system);
  const std::string title = value_in(files.os_release, "PRETTY_NAME", '=');
  const std::string glibc = ::gnu_get_libc_version();
  return {
      .name = "system",
      .text = fmt::format("{}: {}, Linux {}, glibc {}", short_host_name(),
                          title.empty() ? "an unknown distribution" : title, system.release, glibc),
      .facts = {{"host", short_host_name()},
                {"distribution", title},
                {"kernel", system.release},
                {"glibc", glibc}}};
}

Finding processor_finding(const MachineFiles& files) {
  const std::string model = value_in(files.cpuinfo, "model name", ':');
  const std::string simd = simd_name();
  Finding out = {.name = "processor",
                 .text = fmt::format("{}, SIMD {}", model.empty() ? "unknown" : model, simd),
                 .facts = {{"model", model}, {"simd", simd}}};
  if (std::find(kSlowSimd.begin(), kSlowSimd.end(), simd) != kSlowSimd.end()) {
    out.state = FindingState::kNote;
    out.remedy =
        "computing takes several times as long without AVX2: use another machine, or a "
        "virtual machine that passes its host's processor on";
  }
  return out;
}

Finding cores_finding(const MachineFiles& files) {
  const int all = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  const int usable = std::min(available_cores(files.limits), all);
  Finding out = {.name = "cores",
                 .text = usable == all ? fmt::format("{}", all)
                                       : fmt::format("{} of {} may be used (affinity, or a control "
                                                     "group's quota)",
                                                     usable, all),
                 .facts = {{"usable", usable}, {"online", all}}};
  if (usable == 1 && all > 1) {
    out.state = FindingState::kNote;
    out.remedy =
        "one core is slow: ask the batch system or the container for more (srun "
        "--cpus-per-task, mpirun --bind-to none, docker --cpus)";
  }
  return out;
}

Finding memory_finding(const MachineFiles& files) {
  SystemFiles no_groups = files.limits;
  no_groups.cgroup_of_process = "/dev/null";
  const auto all = static_cast<double>(available_memory(no_groups));
  const auto usable = static_cast<double>(available_memory(files.limits));
  const auto free = static_cast<double>(free_memory(files.limits));
  Finding out = {.name = "memory",
                 .text = fmt::format("{}{}, {} free", bytes_text(usable),
                                     usable < all ? fmt::format(" of {} may be used (a control "
                                                                "group's limit)",
                                                                bytes_text(all))
                                                  : "",
                                     bytes_text(free)),
                 .facts = {{"usable_bytes", static_cast<int64_t>(usable)},
                           {"machine_bytes", static_cast<int64_t>(all)},
                           {"free_bytes", static_cast<int64_t>(free)}}};
  if (free < kLittleMemory) {
    out.state = FindingState::kNote;
    out.remedy = fmt::format("large models need a limit: sniff --ram {:.0f}MB streams the weights",
                             std::max(100.0, free * 0.8 / 1e6));
  }
  return out;
}

}  // namespace

Finding disk_finding(const std::string& what, const fs::path& folder) {
  const fs::path there = nearest_folder(folder);
  std::error_code error;
  const fs::space_info space = fs::space(there, error);
  const bool is_writable = ::access(there.c_str(), W_OK) == 0;
  const std::string name = path_text(folder == "." ? fs::current_path(error) : folder);
  Finding out = {.name = what, .text = name, .facts = {{"path", name}, {"writable", is_writable}}};
  const auto free = static_cast<double>(space.available);
  if (!error) {
    out.text += fmt::format(", {} free", bytes_text(free));
    out.facts["free_bytes"] = space.available;
  }
  if (!is_writable) {
    out.state = FindingState::kNote;
    out.text += ", not writable";
    out.remedy = "write elsewhere, or change the permissions of " + path_text(there);
  } else if (!error && free < kLittleDisk) {
    out.state = FindingState::kNote;
    out.remedy =
        "little room is left: captures take twice the size of the dataset while they are "
        "finished";
  }
  return out;
}

FindingSection machine_findings(const MachineFiles& files) {
  return {"machine",
          {system_finding(files), processor_finding(files), cores_finding(files),
           memory_finding(files), disk_finding("working folder", files.working_folder)}};
}

}  // namespace qk
