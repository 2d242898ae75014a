// For tests only: a device without torch, its memory and its weights, as torch_api.h describes them. It
// fails when it is told to, and ends the process if the host does what it may not: its addresses are not
// the host's, memory is given back once, one thread at a time uses a device.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "device/torch_api.h"
#include "kernels/backend.h"

namespace qk::fake {

// What goes wrong. Calls and allocations are counted from 0, over all devices of the process.
struct Faults {
  int64_t alloc = -1;               // this one finds no memory
  int64_t call = -1;                // this one fails ...
  int32_t call_status = QK_FAILED;  // ... like this
};

struct Settings {
  int32_t num_devices = 1;
  int64_t memory = int64_t{1} << 40;  // bytes of each
  Faults faults;
};

struct State {
  Settings settings;
  std::atomic<int64_t> allocs = 0, calls = 0;
  std::atomic<int64_t> live = 0;  // allocations and devices that were not given back
  // Marks that were not used or forgotten, tickets not finished, weights not unbound.
  std::atomic<int64_t> live_marks = 0, live_tickets = 0, live_weights = 0;
};

inline State& state() {
  static State instance;
  return instance;
}

inline std::string& message() {
  thread_local std::string text;
  return text;
}

// What the host sees as an address of the device is none of the host's.
inline constexpr uintptr_t kDisguise = uintptr_t{1} << 47;

struct Allocation {
  std::unique_ptr<std::byte[]> data;
  int64_t bytes = 0;
};

struct PendingTap {
  int64_t ticket = 0;
  std::vector<float> values;
  float* out = nullptr;
  int64_t first_bad = 0;
};

}  // namespace qk::fake

struct QkWeight {
  QkHostWeight host;
  std::vector<float> numbers;  // empty: not in the device's memory
  qk::WeightMatrix view;
};

struct QkDevice {
  QkDevice() : pool(1), context(qk::kCpuBackend.make_context(qk::kCpuBackend, pool)) {}

  qk::ThreadPool pool;
  std::unique_ptr<qk::Context> context;
  std::map<uintptr_t, qk::fake::Allocation> memory;  // by real address
  std::set<void*> host_memory;
  std::map<QkWeight*, std::unique_ptr<QkWeight>> weights;
  std::deque<qk::fake::PendingTap> taps;
  std::set<int64_t> marks;
  int64_t used = 0, tickets = 0, moments = 0;
  bool lost = false;
  std::atomic<bool> busy = false;
};

namespace qk::fake {

class Busy {
 public:
  explicit Busy(QkDevice& device) : device_(device) { QK_CHECK(!device.busy.exchange(true)); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { device_.busy = false; }

 private:
  QkDevice& device_;
};

inline int32_t failed(int32_t status, const std::string& text) {
  message() = text;
  return status;
}

// Runs an operation unless it is the one that is to fail.
template <typename Operation>
int32_t call(QkDevice* device, const Operation& operation) {
  QK_CHECK(device != nullptr);
  const Busy busy(*device);
  if (device->lost) return failed(QK_DEVICE_LOST, "the fake device was lost");
  const Faults& faults = state().settings.faults;
  if (state().calls++ == faults.call) {
    device->lost = faults.call_status == QK_DEVICE_LOST;
    return failed(faults.call_status, "the fake device failed as told");
  }
  return operation();
}

template <typename T>
T* real(QkDevice* device, T* address, int64_t count) {
  if (count == 0) return nullptr;
  const auto disguised = reinterpret_cast<uintptr_t>(address);
  QK_CHECK(disguised >= kDisguise);
  const uintptr_t at = disguised - kDisguise;
  auto found = device->memory.upper_bound(at);
  QK_CHECK(found != device->memory.begin());
  --found;
  const auto bytes = static_cast<uintptr_t>(count) * sizeof(float);
  QK_CHECK(at + bytes <= found->first + static_cast<uintptr_t>(found->second.bytes));
  return reinterpret_cast<T*>(at);
}

inline Matrix matrix(QkDevice* device, const QkMatrix& x) {
  return {real(device, static_cast<float*>(x.data), x.rows * x.cols), DType::kF32, x.rows, x.cols};
}
inline Heads heads(QkDevice* device, const QkHeads& x) {
  return {real(device, static_cast<float*>(x.data), x.rows * x.heads * x.head_dim), DType::kF32,
          x.rows, x.heads, x.head_dim};
}
inline KeyValueCache cache_of(QkDevice* device, const QkCache& cache) {
  const int64_t bytes =
      kCpuBackend.kv_bytes(kCpuBackend, cache.capacity, cache.num_heads, cache.head_dim);
  return {real(device, static_cast<float*>(cache.data), bytes / 4), cache.capacity, cache.num_heads,
          cache.head_dim};
}

inline int32_t take_memory(QkDevice* device, int64_t bytes) {
  if (state().allocs++ == state().settings.faults.alloc) {
    return failed(QK_OUT_OF_MEMORY, "the fake device has no memory, as told");
  }
  if (device->used + bytes > state().settings.memory) {
    return failed(QK_OUT_OF_MEMORY, "the fake device's memory is full");
  }
  device->used += bytes;
  return QK_OK;
}

inline int32_t load(QkDevice* device, QkWeight& weight) {
  if (!weight.numbers.empty()) return QK_OK;
  const int64_t count = weight.host.rows * weight.host.cols;
  const int32_t status = take_memory(device, count * 4);
  if (status != QK_OK) return status;
  weight.numbers.resize(static_cast<size_t>(count));
  QK_CHECK(weight.host.read_rows(weight.host.source, 0, weight.host.rows, weight.numbers.data()) ==
           0);
  if (weight.host.release != nullptr) weight.host.release(weight.host.source);
  weight.view = {.data = reinterpret_cast<const std::byte*>(weight.numbers.data()),
                 .dtype = DType::kF32,
                 .rows = weight.host.rows,
                 .cols = weight.host.cols,
                 .stride_bytes = weight.host.cols * 4};
  return QK_OK;
}

inline int32_t count_devices(const char* kind, int32_t* count, const char** why) {
  const bool is_cuda = std::strcmp(kind, "cuda") == 0;
  *count = is_cuda ? state().settings.num_devices : 1;
  *why = *count == 0 ? "the fake plugin has none" : "";
  return QK_OK;
}

inline int32_t open(const QkOpen* options, QkDevice** out) {
  if (options->type != QK_F32) return failed(QK_FAILED, "the fake device computes in float32 only");
  *out = new QkDevice;
  ++state().live;
  return QK_OK;
}

inline void close(QkDevice* device) {
  {
    const Busy busy(*device);
    QK_CHECK(device->memory.empty() && device->host_memory.empty() && device->taps.empty());
    QK_CHECK(device->weights.empty());
  }
  delete device;
  --state().live;
}

inline int32_t describe(QkDevice* /*device*/, int64_t /*head_dim*/, const char** json) {
  *json = R"({"device":"cuda","name":"fake","torch":"0.0.0","capability":"0.0"})";
  return QK_OK;
}

inline int32_t memory(QkDevice* device, int64_t* free_bytes, int64_t* total_bytes) {
  *total_bytes = state().settings.memory;
  *free_bytes = *total_bytes - device->used;
  return QK_OK;
}

inline int32_t alloc(QkDevice* device, int32_t host, int64_t bytes, void** out) {
  return call(device, [&]() -> int32_t {
    QK_CHECK(bytes > 0);
    const int32_t status = take_memory(device, host != 0 ? 0 : bytes);
    if (status != QK_OK) return status;
    ++state().live;
    if (host != 0) {
      *out = std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64));
      device->host_memory.insert(*out);
      return QK_OK;
    }
    Allocation made{std::make_unique<std::byte[]>(static_cast<size_t>(bytes)), bytes};
    const auto at = reinterpret_cast<uintptr_t>(made.data.get());
    device->memory.emplace(at, std::move(made));
    *out = reinterpret_cast<void*>(at + kDisguise);
    return QK_OK;
  });
}

// Also of a device that was lost.
inline void give_back(QkDevice* device, void* data) {
  const Busy busy(*device);
  --state().live;
  if (device->host_memory.erase(data) == 1) {
    for (const PendingTap& tap : device->taps) QK_CHECK(device->lost || tap.out != data);
    std::free(data);
    return;
  }
  const auto found = device->memory.find(reinterpret_cast<uintptr_t>(data) - kDisguise);
  QK_CHECK(found != device->memory.end());
  device->used -= found->second.bytes;
  device->memory.erase(found);
}

inline int32_t bind(QkDevice* device, const QkHostWeight* weight, QkWeight** out) {
  return call(device, [&]() -> int32_t {
    auto made = std::make_unique<QkWeight>(QkWeight{*weight, {}, {}});
    *out = made.get();
    device->weights.emplace(*out, std::move(made));
    ++state().live_weights;
    return QK_OK;
  });
}

// Also of a device that was lost.
inline void unbind(QkDevice* device, QkWeight* weight) {
  const Busy busy(*device);
  device->used -= std::ssize(weight->numbers) * 4;
  QK_CHECK(device->weights.erase(weight) == 1);
  --state().live_weights;
}

inline int32_t prefetch(QkDevice* device, QkWeight* const* weights, int64_t count) {
  return call(device, [&]() -> int32_t {
    for (int64_t i = 0; i < count; ++i) {
      if (const int32_t status = load(device, *weights[i]); status != QK_OK) return status;
    }
    return QK_OK;
  });
}

inline int32_t drop(QkDevice* device, QkWeight* const* weights, int64_t count) {
  return call(device, [&]() -> int32_t {
    for (int64_t i = 0; i < count; ++i) {
      device->used -= std::ssize(weights[i]->numbers) * 4;
      weights[i]->numbers = {};
    }
    return QK_OK;
  });
}

}  // namespace qk::fake
