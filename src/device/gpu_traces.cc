#include "device/gpu_traces.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace qk {
namespace {

namespace fs = std::filesystem;

bool has_one_of(const fs::path& folder, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* name) {
    std::error_code error;
    return fs::exists(folder / name, error);
  });
}

}  // namespace

bool gpus_are_hidden() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible == nullptr) return false;
  const std::string_view list = visible;
  return list.empty() || list.starts_with("-1") || list == "NoDevFiles";
}

bool has_nvidia_files(const fs::path& devices) {
  return has_one_of(devices, {"nvidiactl", "nvidia0", "nvhost-gpu", "nvgpu"});
}

bool may_have_gpu(const fs::path& devices) {
  if (gpus_are_hidden()) return false;
  if (has_nvidia_files(devices) || has_one_of(devices, {"kfd", "dxg"})) return true;
  // A container may have the driver's library and other device files.
  void* driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver != nullptr) ::dlclose(driver);
  return driver != nullptr;
}

}  // namespace qk
