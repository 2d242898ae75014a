// A device of torch and what the calls for it share.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/Stream.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "device/torch_api.h"

namespace qk_torch {

// A GPU's facts, all that describe and the choice of kernels need.
struct DeviceFacts {
  std::string name;
  int capability_major = 0, capability_minor = 0;
  int64_t cudnn_version = 0;  // 91002: 9.10.2; 0 without cuDNN
  bool is_hip = false;
};

// A moment in the order of a device's work: an event, or on the cpu the clock.
struct Moment {
  std::optional<c10::Event> event;
  std::chrono::steady_clock::time_point time;
};

// Taps on their way to the host.
struct PendingTaps {
  std::optional<c10::Event> done;  // none on the cpu
  at::Tensor first_bad;            // int64 [1] in memory of the host, pinned for a GPU
};

// Pinned memory through which weights pass, and when the copy out of it was done.
struct StagingBlock {
  at::Tensor bytes;
  std::optional<c10::Event> copied;
};

}  // namespace qk_torch

struct QkDevice {
  c10::Device device = c10::Device(c10::DeviceType::CPU);
  c10::ScalarType type = c10::ScalarType::Float;
  int num_threads = 0;
  bool dispatched_attention = false;
  bool lost = false;
  qk_torch::DeviceFacts facts;
  std::optional<c10::Stream> compute, copy;  // of a GPU

  std::unordered_map<void*, at::Tensor> blocks;  // what alloc gave
  std::vector<std::unique_ptr<QkWeight>> weights;
  std::vector<qk_torch::StagingBlock> staging;
  size_t next_staging = 0;
  std::map<int64_t, qk_torch::PendingTaps> taps;
  std::map<int64_t, qk_torch::Moment> moments;
  int64_t next_ticket = 0, next_moment = 0;
  // Results of the last product of neighbouring jobs, by the address they were written to: linear.h.
  std::unordered_map<void*, at::Tensor> product_columns;
  std::string description;  // describe's answer

  QkDevice();
  ~QkDevice();
  QkDevice(const QkDevice&) = delete;
  QkDevice& operator=(const QkDevice&) = delete;

  bool on_host() const { return device.is_cpu(); }
  at::TensorOptions options() const { return at::TensorOptions().dtype(type).device(device); }
};

namespace qk_torch {

// While it lives, the calling thread computes on the device without recording for gradients.
class DeviceCall {
 public:
  explicit DeviceCall(const QkDevice& device);

 private:
  c10::InferenceMode inference_;
  c10::OptionalDeviceGuard guard_;
};

// Of float32, float16 and bfloat16.
c10::ScalarType scalar_type(int32_t type);

// 0 with the reason in *why if no device of that kind answers. Throws Failure for an unknown kind.
int32_t count_devices(const char* kind, const char** why);
std::unique_ptr<QkDevice> open_device(const QkOpen& options);
const std::string& describe(QkDevice& device, int64_t head_dim);
// Waits for all work of the device.
void synchronize(QkDevice& device);

// Tensors over memory that alloc gave.
at::Tensor tensor_over(const QkDevice& device, void* data, at::IntArrayRef sizes);
at::Tensor view(const QkDevice& device, const QkMatrix& matrix);
at::Tensor view(const QkDevice& device, const QkHeads& heads);

// A copy of numbers of the host in the device's memory.
at::Tensor upload(const QkDevice& device, const void* data, int64_t count, c10::ScalarType type);

}  // namespace qk_torch
