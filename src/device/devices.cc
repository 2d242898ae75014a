#include "device/devices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <utility>

#include "base/error.h"
#include "device/gpu_traces.h"
#include "device/torch_backend.h"
#include "device/torch_devices.h"

namespace qk {
namespace {

using Kind = DeviceRequest::Kind;

constexpr const char* kHowToGetOne = "`tools/setup --torch` and a new build make one: docs/gpu.md";

// Our own kernels.
class HostDevice : public Devices {
 public:
  explicit HostDevice(std::string reason, std::string problem = {})
      : reason_(std::move(reason)), problem_(std::move(problem)) {}

  int count() const override { return 1; }
  const Backend& backend(int /*index*/) const override { return kCpuBackend; }
  DeviceMemory memory(int /*index*/) const override { return {}; }
  std::string name() const override { return "cpu"; }
  std::string reason() const override { return reason_; }
  std::string problem() const override { return problem_; }
  std::string description(int64_t /*head_dim*/) const override { return ""; }

 private:
  std::string reason_, problem_;
};

int32_t type_of(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return QK_F16;
    case DType::kBF16:
      return QK_BF16;
    default:
      return QK_F32;
  }
}

class TorchDevices : public Devices {
 public:
  // indexes: of devices of the kind, "cpu" or "cuda".
  TorchDevices(const TorchPlugin& plugin, std::string kind, std::vector<int> indexes,
               const DeviceOptions& options, std::string reason)
      : kind_(std::move(kind)), indexes_(std::move(indexes)), reason_(std::move(reason)) {
    const int share = std::max(1, options.num_threads / static_cast<int>(indexes_.size()));
    for (const int index : indexes_) {
      const QkOpen open = {.kind = kind_.c_str(),
                           .index = index,
                           .type = type_of(options.dtype),
                           .num_threads = options.num_threads == 0 ? 0 : share,
                           .dispatched_attention = options.dispatched_attention ? 1 : 0,
                           .torch_version = plugin.torch_version.c_str()};
      devices_.push_back(std::make_unique<OpenedDevice>(*plugin.api, open, device_name(index)));
      backends_.push_back(std::make_unique<Backend>(torch_backend(*devices_.back())));
    }
    refuse_different_devices();
  }

  int count() const override { return static_cast<int>(backends_.size()); }
  const Backend& backend(int index) const override {
    return *backends_.at(static_cast<size_t>(index));
  }
  DeviceMemory memory(int index) const override {
    OpenedDevice& device = *devices_.at(static_cast<size_t>(index));
    DeviceMemory out;
    device.check(device.api().memory(device.handle(), &out.free_bytes, &out.total_bytes));
    return out;
  }
  std::string name() const override {
    if (kind_ == "cpu") return "torch:cpu";
    return fmt::format("{}:{}", kind_, fmt::join(indexes_, ","));
  }
  std::string reason() const override { return reason_; }
  std::string description(int64_t head_dim) const override {
    return description_of(*devices_.front(), head_dim);
  }

 private:
  static std::string description_of(OpenedDevice& device, int64_t head_dim) {
    const char* json = nullptr;
    device.check(device.api().describe(device.handle(), head_dim, &json));
    return json;
  }

  // Bits depend on the model of a device: a dataset is computed on one.
  void refuse_different_devices() const {
    constexpr int64_t kAnyHeadDim = 64;
    const std::string first = description_of(*devices_.front(), kAnyHeadDim);
    for (const auto& device : devices_) {
      const std::string other = description_of(*device, kAnyHeadDim);
      if (other == first) continue;
      fail("{}: expected devices of one model, found {} on {} and {} on {}", name(), first,
           devices_.front()->name(), other, device->name());
    }
  }

  std::string device_name(int index) const {
    return kind_ == "cpu" ? "torch:cpu" : fmt::format("{}:{}", kind_, index);
  }

  std::string kind_;
  std::vector<int> indexes_;
  std::string reason_;
  std::vector<std::unique_ptr<OpenedDevice>> devices_;
  std::vector<std::unique_ptr<Backend>> backends_;
};

struct Found {
  int count = 0;
  std::string why_none;
};

Found count_gpus(const QkTorchApi& api) {
  int32_t count = 0;
  const char* why = nullptr;
  check_torch(api, "cuda", api.count_devices("cuda", &count, &why));
  return {count, why == nullptr ? "" : why};
}

std::string as_said_by(std::string_view place) { return fmt::format("as {} says", place); }

int own_index(const DeviceRequest& request, const Found& found) {
  return request.local_rank.value_or(0) % found.count;
}

std::vector<int> chosen_indexes(std::string_view place, const DeviceRequest& request,
                                const Found& found) {
  if (found.count == 0) {
    fail("{}: expected a GPU, found none: {}", place, found.why_none);
  }
  if (request.all) {
    std::vector<int> all(static_cast<size_t>(found.count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  for (const int index : request.indexes) {
    if (index < found.count) continue;
    fail("{}: expected a GPU below {}, the number of them here, found cuda:{}", place, found.count,
         index);
  }
  return request.indexes.empty() ? std::vector<int>{own_index(request, found)} : request.indexes;
}

std::unique_ptr<Devices> found_none(const std::string& why, const std::string& problem = "") {
  return std::make_unique<HostDevice>("auto: " + why, problem);
}

std::unique_ptr<Devices> open_gpu_or_host(const TorchPlugin& plugin, const DeviceRequest& request,
                                          const DeviceOptions& options) {
  const Found found = count_gpus(*plugin.api);
  if (found.count > 0) {
    const int index = own_index(request, found);
    return std::make_unique<TorchDevices>(
        plugin, "cuda", std::vector<int>{index}, options,
        request.local_rank ? fmt::format("auto: GPU {} of {}", index, found.count)
                           : "auto: the first GPU");
  }
  const bool expected_one = has_nvidia_files() && std::getenv("CUDA_VISIBLE_DEVICES") == nullptr;
  return found_none(
      "there is no GPU: " + found.why_none,
      expected_one ? "computing on the cpu: torch finds no GPU: " + found.why_none : "");
}

// A plugin that does not work is a reason to compute on the cpu, and to say so. A plugin that the
// environment names is asked even if nothing looks like a GPU.
std::unique_ptr<Devices> open_automatically(const DeviceRequest& request,
                                            const DeviceOptions& options) {
  try {
    const std::filesystem::path path = find_torch_plugin();
    if (path.empty()) return found_none(fmt::format("there is no torch plugin; {}", kHowToGetOne));
    const char* named = std::getenv("QKSCOPE_TORCH_PLUGIN");
    if ((named == nullptr || *named == '\0') && !may_have_gpu())
      return found_none("there is no GPU");
    return open_torch_devices(load_torch_plugin(path), "", request, options);
  } catch (const Error& error) {
    return found_none(
        error.what(),
        fmt::format("computing on the cpu: the torch plugin does not work: {}", error.what()));
  }
}

}  // namespace

std::unique_ptr<Devices> open_devices(std::string_view place, const DeviceRequest& request,
                                      const DeviceOptions& options) {
  if (request.kind == Kind::kAuto) return open_automatically(request, options);
  if (request.kind == Kind::kCpu) return std::make_unique<HostDevice>(as_said_by(place));
  const std::filesystem::path path = find_torch_plugin();
  if (path.empty()) {
    fail("{}: expected the torch plugin beside the program, found none: {}", place, kHowToGetOne);
  }
  return open_torch_devices(load_torch_plugin(path), place, request, options);
}

std::unique_ptr<Devices> open_torch_devices(const TorchPlugin& plugin, std::string_view place,
                                            const DeviceRequest& request,
                                            const DeviceOptions& options) {
  if (request.kind == Kind::kAuto) return open_gpu_or_host(plugin, request, options);
  std::string asked = as_said_by(place);
  if (request.kind == Kind::kTorchCpu) {
    return std::make_unique<TorchDevices>(plugin, "cpu", std::vector<int>{0}, options,
                                          std::move(asked));
  }
  return std::make_unique<TorchDevices>(plugin, "cuda",
                                        chosen_indexes(place, request, count_gpus(*plugin.api)),
                                        options, std::move(asked));
}

}  // namespace qk
