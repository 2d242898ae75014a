#include "torch/gpu_library.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <mutex>
#include <string_view>

namespace qk_torch {
namespace {

struct LoadedGpu {
  std::string problem = "it was not asked for";
  bool is_hip = false;
  std::string runtime;  // file of libcudart or libamdhip64
};

LoadedGpu& loaded_gpu() {
  static LoadedGpu gpu;
  return gpu;
}

std::filesystem::path torch_folder() {
  Dl_info info{};
  void* anything = reinterpret_cast<void*>(&at::globalContext);
  if (dladdr(anything, &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

struct Wanted {
  std::string_view beginning;  // of the file's name
  std::string file;
};

// Called by dl_iterate_phdr for each library of the process.
int note_library(dl_phdr_info* info, size_t, void* data) {
  auto* wanted = static_cast<Wanted*>(data);
  const std::string_view file = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  if (!file.substr(file.rfind('/') + 1).starts_with(wanted->beginning)) return 0;
  wanted->file = file;
  return 1;
}

// The file of a library of the process; empty if it is not loaded.
std::string loaded_library(std::string_view beginning) {
  Wanted wanted{beginning, {}};
  dl_iterate_phdr(note_library, &wanted);
  return wanted.file;
}

template <typename Function>
Function loaded_function(const std::string& library, const std::string& symbol) {
  if (library.empty()) return nullptr;
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  return handle == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(handle, symbol.c_str()));
}

void load_once(LoadedGpu& gpu) {
  const std::filesystem::path folder = torch_folder();
  std::filesystem::path file = folder / "libtorch_cuda.so";
  if (!std::filesystem::exists(file)) {
    file = folder / "libtorch_hip.so";
    gpu.is_hip = true;
  }
  if (!std::filesystem::exists(file)) {
    gpu.problem = "this torch was built without CUDA and ROCm";
    return;
  }
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    const char* reason = dlerror();
    gpu.problem = reason == nullptr ? "libtorch_cuda.so could not be loaded" : reason;
    return;
  }
  gpu.runtime = loaded_library(gpu.is_hip ? "libamdhip64" : "libcudart");
  gpu.problem.clear();
}

// A function of the CUDA or HIP runtime that torch loaded; cudaX is hipX there.
template <typename Function>
Function runtime_function(std::string_view name) {
  const LoadedGpu& gpu = loaded_gpu();
  return loaded_function<Function>(gpu.runtime, (gpu.is_hip ? "hip" : "cuda") + std::string(name));
}

}  // namespace

const std::string& load_gpu_library() {
  static std::once_flag once;
  std::call_once(once, [] { load_once(loaded_gpu()); });
  return loaded_gpu().problem;
}

bool gpu_is_hip() { return loaded_gpu().is_hip; }

std::string gpu_count_problem() {
  auto* count = runtime_function<int (*)(int*)>("GetDeviceCount");
  auto* text = runtime_function<const char* (*)(int)>("GetErrorString");
  int devices = 0;
  if (count == nullptr || text == nullptr) return "no GPU driver answers";
  const int error = count(&devices);
  return error == 0 ? "the driver knows no GPU" : text(error);
}

std::string gpu_name(int index) {
  using GetName = int (*)(char*, int, int);
  GetName get_name = nullptr;
  if (loaded_gpu().is_hip) {
    get_name = runtime_function<GetName>("DeviceGetName");
  } else {
    // CUdevice is the index among the devices that CUDA_VISIBLE_DEVICES leaves.
    get_name = loaded_function<GetName>("libcuda.so.1", "cuDeviceGetName");
  }
  char name[256] = {};
  return get_name != nullptr && get_name(name, sizeof(name) - 1, index) == 0 ? name : "";
}

int gpu_capability(int index, bool minor) {
  // cudaDevAttrComputeCapabilityMajor and Minor; HIP numbers its attributes otherwise.
  constexpr int kMajor = 75, kMinor = 76;
  if (loaded_gpu().is_hip) return -1;
  auto* attribute = runtime_function<int (*)(int*, int, int)>("DeviceGetAttribute");
  int value = -1;
  if (attribute == nullptr || attribute(&value, minor ? kMinor : kMajor, index) != 0) return -1;
  return value;
}

std::string gpu_runtime_version() {
  auto* get_version = runtime_function<int (*)(int*)>("RuntimeGetVersion");
  int version = 0;
  if (get_version == nullptr || get_version(&version) != 0) return "";
  if (loaded_gpu().is_hip) return std::to_string(version);
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string gpu_cublas_version() {
  auto* property =
      loaded_function<int (*)(int, int*)>(loaded_library("libcublas.so"), "cublasGetProperty");
  if (property == nullptr) return "";
  std::string out;
  for (const int part : {0, 1, 2}) {  // MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL
    int value = 0;
    if (property(part, &value) != 0) return "";
    out += (part == 0 ? "" : ".") + std::to_string(value);
  }
  return out;
}

bool gpu_memory(size_t* free_bytes, size_t* total_bytes) {
  auto* memory = runtime_function<int (*)(size_t*, size_t*)>("MemGetInfo");
  return memory != nullptr && memory(free_bytes, total_bytes) == 0;
}

}  // namespace qk_torch
