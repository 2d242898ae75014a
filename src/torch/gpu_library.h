// The GPU part of the torch that is loaded, and of CUDA or HIP below it: looked up by name when a GPU is
// asked for, since the plugin is linked against neither.
#pragma once

#include <cstdint>
#include <string>

namespace qk_torch {

// Loads libtorch_cuda.so or libtorch_hip.so from the folder of libtorch_cpu.so. Returns "", or why this
// torch has no usable one. Does its work once.
const std::string& load_gpu_library();
bool gpu_is_hip();  // REQUIRES: loaded

// Why no device answers, in CUDA's or HIP's words.
std::string gpu_count_problem();
// "" if it is not known.
std::string gpu_name(int index);
// -1 if it is not known.
int gpu_capability(int index, bool minor);
// "12.8"; "" if it is not known.
std::string gpu_runtime_version();
// "12.8.4"; "" if it is not known, as with ROCm.
std::string gpu_cublas_version();
// Of the current device. False if it is not known.
bool gpu_memory(size_t* free_bytes, size_t* total_bytes);

}  // namespace qk_torch
