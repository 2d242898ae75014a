#include "staging/stage_choice.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/environment.h"
#include "base/error.h"
#include "base/machine_limits.h"
#include "base/path_text.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// Kept free on a disk: other programs of the node write there too.
constexpr int64_t kDiskReserve = int64_t{64} << 20;

std::string gigabytes(int64_t bytes) {
  return bytes < 1'000'000'000 ? fmt::format("{:.1f} MB", static_cast<double>(bytes) * 1e-6)
                               : fmt::format("{:.1f} GB", static_cast<double>(bytes) * 1e-9);
}

std::string fault_of_folder(const fs::path& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return std::strerror(errno);
  if (!S_ISDIR(status.st_mode)) return "is not a folder";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fmt::format("cannot be written to: {}", std::strerror(errno));
  }
  return "";
}

int64_t disk_room_of(const fs::path& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0) return -1;
  return static_cast<int64_t>(status.f_bavail) * static_cast<int64_t>(status.f_frsize);
}

// The kind of the first file that is on a network; of none: empty name.
FileSystemKind network_of(const StageNeeds& needs, const StageNode& node) {
  for (const fs::path& file : needs.files) {
    const FileSystemKind kind = node.file_system(file);
    if (kind.is_network) return kind;
  }
  return {};
}

// Why there is no room in memory; empty if there is.
std::string no_room_in_memory(const StageNeeds& needs, const StageNode& node) {
  const int64_t wanted = needs.bytes + needs.own_memory;
  const bool is_limited = needs.memory_limit > 0 && wanted > needs.memory_limit;
  const int64_t free = is_limited ? needs.memory_limit : node.free_memory();
  if (wanted <= free) return "";
  return fmt::format("the weights take {} of memory and the run {} beside them, where {} {}",
                     gigabytes(needs.bytes), gigabytes(needs.own_memory), gigabytes(free),
                     is_limited ? "may be used (--ram)" : "are free");
}

// Why there is no room in the folder; empty if there is.
std::string no_room_in_folder(const fs::path& folder, const StageNeeds& needs,
                              const StageNode& node) {
  const int64_t free = node.free_disk(folder);
  if (free >= 0 && needs.bytes + kDiskReserve > free) {
    return fmt::format(
        "the weights take {}, and {} are free there (of which {} are left to others)",
        gigabytes(needs.bytes), gigabytes(free), gigabytes(kDiskReserve));
  }
  return node.file_system(folder).is_memory ? no_room_in_memory(needs, node) : "";
}

StagePlace in_memory(const StageNeeds& needs, const StageNode& node) {
  if (const std::string fault = no_room_in_memory(needs, node); !fault.empty()) {
    fail("--stage ram: {}: give --stage a folder on a disk of this machine, or off", fault);
  }
  return {.mode = StageMode::kRam, .folder = {}, .reason = "by --stage", .warning = {}};
}

StagePlace in_folder(const fs::path& folder, const StageNeeds& needs, const StageNode& node) {
  if (const std::string fault = node.fault(folder); !fault.empty()) {
    fail("--stage: {}: {}", path_text(folder), fault);
  }
  if (const std::string fault = no_room_in_folder(folder, needs, node); !fault.empty()) {
    fail("--stage: {}: {}", path_text(folder), fault);
  }
  StagePlace out{
      .mode = StageMode::kFolder, .folder = folder, .reason = "by --stage", .warning = {}};
  if (const FileSystemKind kind = node.file_system(folder); kind.is_network) {
    out.warning = fmt::format(
        "--stage: {} is on {}, not on a disk of this machine: staging there helps only if that is "
        "faster than where the weights are",
        path_text(folder), kind.name);
  }
  return out;
}

// The folder for temporary files, if it is on a disk of this node, writable, with room.
std::optional<fs::path> temporary_folder(const StageNeeds& needs, const StageNode& node) {
  for (const char* name : {"SLURM_TMPDIR", "TMPDIR"}) {
    const auto folder = node.get_env(name);
    if (!folder || folder->empty() || !node.fault(*folder).empty()) continue;
    const FileSystemKind kind = node.file_system(*folder);
    if (kind.is_network || kind.is_memory) continue;
    if (no_room_in_folder(*folder, needs, node).empty()) return *folder;
  }
  return std::nullopt;
}

StagePlace where_it_pays(const StageNeeds& needs, const StageNode& node) {
  StagePlace out;
  const FileSystemKind network = network_of(needs, node);
  if (!network.is_network) {
    out.reason = "they are on a local disk";
    return out;
  }
  if (!needs.used_again) {
    out.reason = fmt::format("they are on {}, but read only once", network.name);
    return out;
  }
  out.reason = fmt::format("they are on {}", network.name);
  const std::string fault = no_room_in_memory(needs, node);
  if (fault.empty()) {
    out.mode = StageMode::kRam;
  } else if (const auto folder = temporary_folder(needs, node)) {
    out.mode = StageMode::kFolder;
    out.folder = *folder;
  } else {
    out.warning = fmt::format(
        "the weights are read from {} again and again: {}, and neither $SLURM_TMPDIR nor $TMPDIR "
        "is on a disk of this machine with room for them (--stage DIR names another folder, --stage "
        "off ends this warning)",
        network.name, fault);
  }
  return out;
}

}  // namespace

StageRequest parse_stage(std::string_view text) {
  if (text == "auto") return {.mode = StageMode::kAuto, .folder = {}};
  if (text == "off") return {.mode = StageMode::kOff, .folder = {}};
  if (text == "ram") return {.mode = StageMode::kRam, .folder = {}};
  if (text.empty()) fail("--stage: expected auto, off, ram or a folder, found nothing");
  return {.mode = StageMode::kFolder, .folder = fs::path(text)};
}

StageNode this_node() {
  StageNode out;
  out.file_system = file_system_of;
  out.free_memory = [] { return free_memory(); };
  out.free_disk = disk_room_of;
  out.fault = fault_of_folder;
  out.get_env = environment_value;
  return out;
}

StagePlace choose_stage(const StageRequest& request, const StageNeeds& needs,
                        const StageNode& node) {
  switch (request.mode) {
    case StageMode::kAuto:
      return where_it_pays(needs, node);
    case StageMode::kRam:
      return in_memory(needs, node);
    case StageMode::kFolder:
      return in_folder(request.folder, needs, node);
    case StageMode::kOff:
      break;
  }
  return {.mode = StageMode::kOff, .folder = {}, .reason = "by --stage", .warning = {}};
}

std::string place_text(const StagePlace& place) {
  if (place.mode == StageMode::kRam) return "in memory";
  if (place.mode == StageMode::kFolder) return "in " + path_text(place.folder);
  return "where they are";
}

}  // namespace qk
