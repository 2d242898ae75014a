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
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "device/torch_api.h"
#include "torch/kernel_choice.h"

namespace qk_torch {

// A moment in the order of a device's work: an event, or on the cpu the clock.
struct Moment {
  std::optional<c10::Event> event;
  std::chrono::steady_clock::time_point time;
};

// Taps on their way to the host.
struct PendingTaps {
  std::optional<c10::Event> done;  // none on the cpu
  at::Tensor first_bad;            // int64 [1] of host_memory
};

// Memory of the host that a copy to the device reads until it is done.
struct Upload {
  at::Tensor numbers;
  c10::Event copied;
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
  std::string torch_version;
  bool lost = false;  // what it holds is never given back: torch would end the process
  qk_torch::DeviceFacts facts;
  std::optional<c10::Stream> compute, copy;  // of a GPU

  std::unordered_map<void*, at::Tensor> blocks;  // what alloc gave
  std::unordered_map<QkWeight*, std::unique_ptr<QkWeight>> weights;
  std::optional<c10::Event> dropped;  // after the last use of the weights that were dropped last
  std::vector<qk_torch::StagingBlock> staging;
  size_t next_staging = 0;
  std::deque<qk_torch::Upload> uploads;
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
// Memory goes back when the work that uses it is done; what a lost device held does not.
void close_device(std::unique_ptr<QkDevice> device);
const std::string& describe(QkDevice& device, int64_t head_dim);
// Waits for all work of the device.
void synchronize(const QkDevice& device);
// Whether the device still works. Waits for its work.
bool answers(const QkDevice& device);
// Throws if the device is known to be lost. To be called before memory goes back to torch that a stream
// may still use: there a lost device would end the process.
c10::Event event_now(const QkDevice& device);

// Tensors over memory that alloc gave.
at::Tensor tensor_over(const QkDevice& device, void* data, at::IntArrayRef sizes);
at::Tensor view(const QkDevice& device, const QkMatrix& matrix);
at::Tensor view(const QkDevice& device, const QkHeads& heads);

// Memory of the host, pinned for a GPU: an inner part of one of torch's blocks. Torch does not follow the copies that use it, so it can always be
// given back, but by the caller only when they are done.
constexpr int64_t kBytesBeforeHostMemory = 64;
at::Tensor host_memory(const QkDevice& device, at::IntArrayRef sizes, c10::ScalarType type);

// A copy of numbers of the host in the device's memory.
at::Tensor upload(QkDevice& device, const void* data, int64_t count, c10::ScalarType type);

}  // namespace qk_torch
