#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "torch/device.h"
#include "torch/environment.h"
#include "torch/gpu_library.h"
#include "torch/kernel_choice.h"

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
  if (const std::string cublas = gpu_cublas_version(); !cublas.empty()) json["cublas"] = cublas;
  if (facts.cudnn_version > 0) json["cudnn"] = std::to_string(facts.cudnn_version);
}

// The kernels of causal layers: whole documents, and where they have others, chunks of documents and
// windows.
void add_attention(nlohmann::ordered_json& json, const DeviceFacts& facts, int64_t head_dim) {
  const auto name = [&](const AttentionShape& shape) {
    return kernel_name(choose_kernel(facts, shape));
  };
  const std::string whole = name({.queries = 8, .keys = 8, .head_dim = head_dim});
  const std::string chunk = name({.queries = 4, .keys = 8, .first = 4, .head_dim = head_dim});
  const std::string window = name({.queries = 8, .keys = 8, .head_dim = head_dim, .window = 2});
  json["attention"] = whole;
  if (chunk != whole) json["attention_chunks"] = chunk;
  if (window != whole) json["attention_windows"] = window;
}

}  // namespace

const std::string& describe(QkDevice& device, int64_t head_dim) {
  nlohmann::ordered_json json;
  json["device"] = device.on_host() ? "cpu" : "cuda";
  json["name"] = device.on_host() ? cpu_name() : device.facts.name;
  json["torch"] = device.torch_version;
  if (device.on_host()) {
    json["capability"] = at::get_cpu_capability();
    // MKL divides a product of few rows otherwise for another number of threads, and adds up otherwise.
    if (device.type == c10::ScalarType::Float) {
      json["threads"] =
          std::to_string(device.num_threads > 0 ? device.num_threads : at::get_num_threads());
    }
  } else {
    add_gpu(json, device.facts);
  }
  add_attention(json, device.facts, head_dim);
  const std::string environment = environment_of_bits(device.on_host());
  if (!environment.empty()) json["environment"] = environment;
  device.description = json.dump();
  return device.description;
}

}  // namespace qk_torch
