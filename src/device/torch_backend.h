// The table of operations over a plugin's C functions.
#pragma once

#include <memory>
#include <string>

#include "device/torch_api.h"
#include "kernels/backend.h"

namespace qk {

// A device of a plugin, opened; closed with the object.
class TorchDevice {
 public:
  // api outlives it. `name` as --device gives it, for messages. Throws Error.
  TorchDevice(const QkTorchApi& api, const QkOpen& options, std::string name);
  TorchDevice(const TorchDevice&) = delete;
  TorchDevice& operator=(const TorchDevice&) = delete;
  ~TorchDevice();

  const QkTorchApi& api() const { return api_; }
  QkDevice* handle() const { return device_; }
  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  int32_t type() const { return type_; }

  // Throws Error, one sentence that says what helps, unless status is QK_OK.
  void check(int32_t status) const;

 private:
  const QkTorchApi& api_;
  std::string name_, kind_;
  int32_t type_;
  QkDevice* device_ = nullptr;
};

// Throws Error, as TorchDevice::check does, for a call that has no device.
void check_torch(const QkTorchApi& api, const std::string& name, int32_t status);

// device outlives the backend.
Backend torch_backend(TorchDevice& device);

}  // namespace qk
