// Whether a machine may have a GPU that torch can use: read from files, before anything is loaded.
#pragma once

#include <filesystem>

namespace qk {

// CUDA_VISIBLE_DEVICES is set, and to what leaves no device.
bool gpus_are_hidden();

// The device files of NVIDIA's driver are there.
bool has_nvidia_files(const std::filesystem::path& devices = "/dev");

// A driver of NVIDIA or AMD, or of a virtual machine that passes one through. False if they are hidden.
bool may_have_gpu(const std::filesystem::path& devices = "/dev");

}  // namespace qk
