#include "doctor/device_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/machine_limits.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "capture/device_choice.h"
#include "device/devices.h"
#include "device/gpu_traces.h"
#include "device/torch_plugin.h"

namespace qk {
namespace {

constexpr const char* kHowToInstall =
    "only needed for GPUs: docs/gpu.md, \"Installing\", says how it is built";

// The plugin, and whether it works; `plugin` is set if it does.
Finding plugin_finding(std::optional<TorchPlugin>& plugin) {
  Finding out = {.name = "torch plugin", .text = "", .facts = nlohmann::ordered_json::object()};
  try {
    const std::filesystem::path path = find_torch_plugin();
    if (path.empty()) {
      out.text = "none";
      out.state = may_have_gpu() ? FindingState::kNote : FindingState::kFine;
      out.remedy = may_have_gpu() ? kHowToInstall : "";
      return out;
    }
    out.text = path_text(path);
    out.facts["path"] = out.text;
    const TorchMark mark = read_torch_mark(path);
    out.facts["built_for"] = mark.version;
    plugin = load_torch_plugin(path);
    out.text += fmt::format(", for torch {}, with torch {}", mark.version, plugin->torch_version);
    out.facts["torch"] = plugin->torch_version;
  } catch (const Error& error) {
    out.text = error.what();
    out.state = FindingState::kFault;
    out.remedy =
        "build the plugin for the torch that is there (docs/gpu.md, \"Installing\"), or "
        "remove it, or unset QKSCOPE_TORCH_PLUGIN and QKSCOPE_TORCH_DIR";
  }
  return out;
}

Finding gpu_finding(const std::optional<TorchPlugin>& plugin) {
  Finding out = {.name = "GPUs", .text = "none", .facts = {{"count", 0}}};
  if (gpus_are_hidden()) {
    out.text = "hidden by CUDA_VISIBLE_DEVICES";
    return out;
  }
  if (!plugin) {
    if (!may_have_gpu()) return out;
    out.text = "the driver of a GPU is there, but no torch plugin that works";
    out.facts = {{"count", nullptr}};
    out.state = FindingState::kNote;
    out.remedy = kHowToInstall;
    return out;
  }
  int32_t count = 0;
  const char* why = nullptr;
  const bool answers = plugin->api->count_devices("cuda", &count, &why) == QK_OK;
  out.facts = {{"count", count}};
  if (answers && count > 0) {
    out.text = fmt::format("{} answer{}", plural(count, "GPU"), count == 1 ? "s" : "");
    return out;
  }
  const char* const reason = answers ? why : plugin->api->last_error();
  if (reason != nullptr && *reason != '\0') out.text += fmt::format(": {}", printable(reason, 300));
  if (has_nvidia_files()) {
    out.state = FindingState::kNote;
    out.remedy =
        "torch does not see the GPU: it may be a torch for the CPU, or too new for the "
        "driver (nvidia-smi)";
  }
  return out;
}

}  // namespace

FindingSection device_findings() {
  std::optional<TorchPlugin> plugin;
  FindingSection out = {"devices", {plugin_finding(plugin)}};
  out.findings.push_back(gpu_finding(plugin));
  const std::unique_ptr<Devices> devices = open_devices("--device", {}, {});
  constexpr int64_t kAnyHeadDim = 64;
  const std::string description = devices->description(kAnyHeadDim);
  Finding used = {
      .name = "used",
      .text = fmt::format("--device auto is {}{} ({}), with {}", devices->name(),
                          description.empty() ? "" : ", " + device_title(description),
                          printable(devices->reason(), 300), plural(available_cores(), "thread")),
      .facts = {{"device", devices->name()},
                {"reason", printable(devices->reason(), 300)},
                {"threads", available_cores()}}};
  if (const DeviceMemory memory = devices->memory(0); memory.total_bytes > 0) {
    used.text += fmt::format("; {} of {} free on the device",
                             bytes_text(static_cast<double>(memory.free_bytes)),
                             bytes_text(static_cast<double>(memory.total_bytes)));
    used.facts["device_free_bytes"] = memory.free_bytes;
    used.facts["device_bytes"] = memory.total_bytes;
  }
  if (!devices->problem().empty()) {
    used.state = FindingState::kNote;
    used.remedy = "see above; `sniff --device cuda` refuses to run where `auto` would take the cpu";
  }
  out.findings.push_back(std::move(used));
  return out;
}

}  // namespace qk
