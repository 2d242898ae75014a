#include <ATen/Version.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "torch/attention.h"
#include "torch/device.h"
#include "torch/gpu_library.h"

namespace qk_torch {
namespace {

// The first processor's, or "cpu".
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "cpu";
}

void add_gpu(nlohmann::ordered_json& json, const DeviceFacts& facts) {
  if (facts.capability_major >= 0) {
    json["capability"] =
        std::to_string(facts.capability_major) + "." + std::to_string(facts.capability_minor);
  }
  json[facts.is_hip ? "hip" : "cuda"] = gpu_runtime_version();
  if (facts.cudnn_version > 0) json["cudnn"] = std::to_string(facts.cudnn_version);
}

}  // namespace

const std::string& describe(QkDevice& device, int64_t head_dim) {
  nlohmann::ordered_json json;
  json["device"] = device.on_host() ? "cpu" : "cuda";
  json["name"] = device.on_host() ? cpu_name() : device.facts.name;
  json["torch"] = QK_TORCH_VERSION;
  if (device.on_host()) {
    json["capability"] = at::get_cpu_capability();
  } else {
    add_gpu(json, device.facts);
  }
  json["attention"] = kernel_name(kernel_of_full_layers(device, head_dim));
  device.description = json.dump();
  return device.description;
}

}  // namespace qk_torch
