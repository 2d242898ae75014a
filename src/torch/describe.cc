#include <ATen/Context.h>
#include <ATen/Version.h>

#include <nlohmann/json.hpp>
#include <string>

#include "torch/attention.h"
#include "torch/device.h"
#include "torch/gpu_library.h"

namespace qk_torch {
namespace {

nlohmann::ordered_json described_gpu(const DeviceFacts& facts) {
  nlohmann::ordered_json json;
  json["device"] = facts.name.empty() ? "unknown GPU" : facts.name;
  json["torch"] = QK_TORCH_VERSION;
  if (facts.capability_major >= 0) {
    json["capability"] =
        std::to_string(facts.capability_major) + "." + std::to_string(facts.capability_minor);
  }
  if (facts.cudnn_version > 0) json["cudnn"] = facts.cudnn_version;
  return json;
}

}  // namespace

const std::string& describe(QkDevice& device, int64_t head_dim) {
  nlohmann::ordered_json json;
  if (device.on_host()) {
    json["device"] = "cpu";
    json["torch"] = QK_TORCH_VERSION;
    json["instructions"] = at::get_cpu_capability();
  } else {
    json = described_gpu(device.facts);
    json[device.facts.is_hip ? "hip" : "cuda"] = gpu_runtime_version();
  }
  const DeviceCall call(device);
  json["attention"] = kernel_name(kernel_of_full_layers(device, head_dim));
  device.description = json.dump();
  return device.description;
}

}  // namespace qk_torch
