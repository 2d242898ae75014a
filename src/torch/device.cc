#include "torch/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>
#include <mutex>
#include <string_view>

#include "torch/environment.h"
#include "torch/errors.h"
#include "torch/gpu_library.h"
#include "torch/weights.h"

QkDevice::QkDevice() = default;
QkDevice::~QkDevice() = default;

namespace qk_torch {
namespace {

// torch's switches are the process's: set once, for every device. float32 means float32, whatever
// TORCH_ALLOW_TF32_CUBLAS_OVERRIDE says.
void set_precision() {
  static std::once_flag once;
  std::call_once(once, [] {
    at::globalContext().setFloat32MatmulPrecision("highest");
    at::globalContext().setAllowTF32CuDNN(false);
  });
  if (at::globalContext().allowTF32CuBLAS()) throw Failure("torch does not switch TF32 off");
}

bool is_gpu_kind(std::string_view kind) {
  if (kind == "cpu") return false;
  if (kind == "cuda") return true;
  throw Failure("unknown kind of device '" + std::string(kind) + "': expected cpu or cuda");
}

int32_t count_gpus(std::string& why) {
  why = load_gpu_library();
  if (!why.empty()) return 0;
  const int32_t count = c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
  if (count == 0) why = gpu_count_problem();
  return count;
}

void open_gpu(QkDevice& device, int32_t index) {
  std::string why;
  const int32_t count = count_gpus(why);
  if (count == 0) throw Failure("torch finds no GPU: " + why);
  if (index < 0 || index >= count) {
    throw Failure("there is no cuda:" + std::to_string(index) + ": torch finds " +
                  std::to_string(count) + (count == 1 ? " GPU" : " GPUs"));
  }
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  device.device = c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
  const c10::impl::VirtualGuardImpl guard(c10::DeviceType::CUDA);
  device.compute = guard.getDefaultStream(device.device);
  device.copy = guard.getStreamFromGlobalPool(device.device);
  const auto& hooks = at::detail::getCUDAHooks();
  device.facts.on_host = false;
  device.facts.is_hip = gpu_is_hip();
  device.facts.name = gpu_name(index);
  device.facts.capability_major = gpu_capability(index, false);
  device.facts.capability_minor = gpu_capability(index, true);
  device.facts.cudnn_version = hooks.hasCuDNN() && !gpu_is_hip() ? hooks.versionRuntimeCuDNN() : 0;
}

}  // namespace

DeviceCall::DeviceCall(const QkDevice& device) {
  if (!device.on_host()) guard_.reset_device(device.device);
  // The number is kept per thread by the runtime of OpenMP.
  thread_local int threads_of_this_thread = 0;
  if (device.num_threads > 0 && threads_of_this_thread != device.num_threads) {
    at::set_num_threads(device.num_threads);
    threads_of_this_thread = device.num_threads;
  }
}

c10::ScalarType scalar_type(int32_t type) {
  switch (type) {
    case QK_F32:
      return c10::ScalarType::Float;
    case QK_F16:
      return c10::ScalarType::Half;
    case QK_BF16:
      return c10::ScalarType::BFloat16;
    default:
      throw Failure("torch computes in float32, float16 or bfloat16; found type number " +
                    std::to_string(type));
  }
}

int32_t count_devices(const char* kind, const char** why) {
  thread_local std::string reason;
  reason.clear();
  const int32_t count = is_gpu_kind(kind) ? count_gpus(reason) : 1;
  *why = reason.c_str();
  return count;
}

std::unique_ptr<QkDevice> open_device(const QkOpen& options) {
  auto device = std::make_unique<QkDevice>();
  device->type = scalar_type(options.type);
  device->num_threads = options.num_threads;
  device->torch_version =
      options.torch_version == nullptr ? QK_TORCH_VERSION : options.torch_version;
  device->facts.type = options.type;
  device->facts.dispatched_attention = options.dispatched_attention != 0;
  const bool gpu = is_gpu_kind(options.kind);
  refuse_environment(/*on_host=*/!gpu);
  set_precision();
  if (gpu) {
    open_gpu(*device, options.index);
  } else if (options.index != 0) {
    throw Failure("there is one cpu, number 0; found " + std::to_string(options.index));
  }
  return device;
}

void close_device(std::unique_ptr<QkDevice> device) {
  if (!device->lost && answers(*device)) return;
  // Reachable to the end, as memory in use is.
  static std::mutex mutex;
  static auto* const lost_devices = new std::vector<QkDevice*>;
  const std::lock_guard lock(mutex);
  lost_devices->push_back(device.release());
}

void synchronize(const QkDevice& device) {
  if (device.on_host()) return;
  c10::impl::VirtualGuardImpl(device.device.type()).synchronizeDevice(device.device.index());
}

bool answers(const QkDevice& device) {
  try {
    synchronize(device);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

c10::Event event_now(const QkDevice& device) {
  c10::Event event(device.device.type());
  event.record(*device.compute);
  return event;
}

at::Tensor tensor_over(const QkDevice& device, void* data, at::IntArrayRef sizes) {
  return at::for_blob(data, sizes)
      .target_device(device.device)
      .options(device.options())
      .make_tensor();
}

at::Tensor view(const QkDevice& device, const QkMatrix& matrix) {
  return tensor_over(device, matrix.data, {matrix.rows, matrix.cols});
}

at::Tensor view(const QkDevice& device, const QkHeads& heads) {
  return tensor_over(device, heads.data, {heads.rows, heads.heads, heads.head_dim});
}

at::Tensor host_memory(const QkDevice& device, at::IntArrayRef sizes, c10::ScalarType type) {
  if (device.on_host()) return at::empty(sizes, type);
  const int64_t bytes =
      c10::multiply_integers(sizes) * static_cast<int64_t>(c10::elementSize(type));
  const at::Tensor block =
      at::empty({kBytesBeforeHostMemory + bytes},
                at::TensorOptions().dtype(c10::ScalarType::Byte).pinned_memory(true));
  char* data = static_cast<char*>(block.mutable_data_ptr()) + kBytesBeforeHostMemory;
  return at::from_blob(data, sizes, [block](void*) {}, type);
}

at::Tensor upload(QkDevice& device, const void* data, int64_t count, c10::ScalarType type) {
  at::Tensor on_host = host_memory(device, {count}, type);
  if (count > 0) std::memcpy(on_host.mutable_data_ptr(), data, on_host.nbytes());
  if (device.on_host()) return on_host;
  while (!device.uploads.empty() && device.uploads.front().copied.query()) {
    device.uploads.pop_front();
  }
  device.uploads.push_back({on_host, c10::Event(device.device.type())});
  at::Tensor copy = on_host.to(device.device, /*non_blocking=*/true);
  device.uploads.back().copied.record(*device.compute);
  return copy;
}

}  // namespace qk_torch
