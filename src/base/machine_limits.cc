#include "base/machine_limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace qk {
namespace {

namespace fs = std::filesystem;

std::optional<double> number_in(const std::string& word) {
  try {
    return std::stod(word);
  } catch (const std::exception&) {
    return std::nullopt;  // "max"
  }
}

std::optional<double> number_of_file(const fs::path& path) {
  std::ifstream in(path);
  std::string word;
  return in >> word ? number_in(word) : std::nullopt;
}

// Calls look(folder) for the process's group in every hierarchy that `controller` may be in, and
// for all groups above it. A container may see its own group as the root: folders that are not
// there are passed over.
void for_each_group(const SystemFiles& files, const std::string& controller,
                    const std::function<void(const fs::path& folder)>& look) {
  std::ifstream groups(files.cgroup_of_process);
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/a/b", in version 2 "0::/a/b"
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool unified = names == ",,";
    if (!unified && names.find("," + controller + ",") == std::string::npos) continue;
    const fs::path root =
        unified ? files.cgroup_root : files.cgroup_root / names.substr(1, names.size() - 2);
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();;
         group = group.parent_path()) {
      look(root / group);
      if (group.empty()) break;
    }
  }
}

std::optional<double> core_quota(const fs::path& group) {
  std::ifstream in(group / "cpu.max");  // version 2: "150000 100000" or "max 100000"
  std::string quota;
  double period = 0;
  if (in >> quota >> period) {
    const auto microseconds = number_in(quota);
    return microseconds && period > 0 ? std::optional(*microseconds / period) : std::nullopt;
  }
  const auto old_quota = number_of_file(group / "cpu.cfs_quota_us");  // -1: none
  const auto old_period = number_of_file(group / "cpu.cfs_period_us");
  if (!old_quota || !old_period || *old_quota <= 0 || *old_period <= 0) return std::nullopt;
  return *old_quota / *old_period;
}

int cores_of_mask() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int available_cores(const SystemFiles& files) {
  int cores = cores_of_mask();
  for_each_group(files, "cpu", [&](const fs::path& group) {
    const auto quota = core_quota(group);
    if (!quota || *quota >= cores) return;
    cores = std::max(1, static_cast<int>(std::ceil(*quota)));
  });
  return cores;
}

int64_t available_memory(const SystemFiles& files) {
  int64_t bytes = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGE_SIZE);
  for_each_group(files, "memory", [&](const fs::path& group) {
    for (const char* name : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
      const auto limit = number_of_file(group / name);
      if (limit && *limit > 0 && *limit < static_cast<double>(bytes)) {
        bytes = static_cast<int64_t>(*limit);
      }
    }
  });
  return bytes;
}

}  // namespace qk
