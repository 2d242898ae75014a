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

// The number behind `key` in a file of lines "key number"; 0 if it is not there.
double number_behind(const fs::path& path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key + " ")) return number_in(line.substr(key.size())).value_or(0);
  }
  return 0;
}

// Bytes of the group's memory that the kernel could not drop; none if it does not say.
std::optional<double> held_memory(const fs::path& group) {
  const fs::path stat = group / "memory.stat";
  if (const auto used = number_of_file(group / "memory.current")) {  // version 2
    return *used - number_behind(stat, "active_file") - number_behind(stat, "inactive_file");
  }
  const auto used = number_of_file(group / "memory.usage_in_bytes");
  if (!used) return std::nullopt;
  return *used - number_behind(stat, "total_active_file") -
         number_behind(stat, "total_inactive_file");
}

std::optional<double> memory_limit(const fs::path& group) {
  std::optional<double> least;
  for (const char* name : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
    const auto limit = number_of_file(group / name);
    if (limit && *limit > 0 && (!least || *limit < *least)) least = limit;
  }
  return least;
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
    const auto limit = memory_limit(group);
    if (limit && *limit < static_cast<double>(bytes)) bytes = static_cast<int64_t>(*limit);
  });
  return bytes;
}

int64_t free_memory(const SystemFiles& files) {
  double bytes = 1024 * number_behind(files.meminfo, "MemAvailable:");
  if (bytes <= 0) bytes = static_cast<double>(available_memory(files));
  for_each_group(files, "memory", [&](const fs::path& group) {
    const auto limit = memory_limit(group);
    const auto held = held_memory(group);
    if (limit && held) bytes = std::min(bytes, std::max(0.0, *limit - std::max(0.0, *held)));
  });
  return std::min(static_cast<int64_t>(bytes), available_memory(files));
}

}  // namespace qk
