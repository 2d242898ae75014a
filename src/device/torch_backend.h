// The table of operations over a plugin's C functions.
#pragma once

#include <memory>
#include <string>

#include "device/torch_api.h"
#include "kernels/backend.h"

namespace qk {

// A device of a plugin, opened; closed with the object.
class OpenedDevice {
 public:
  // api outlives it. `name` as --device gives it, for messages. Throws Error.
  OpenedDevice(const QkTorchApi& api, const QkOpen& options, std::string name);
  OpenedDevice(const OpenedDevice&) = delete;
  OpenedDevice& operator=(const OpenedDevice&) = delete;
  ~OpenedDevice();

  const QkTorchApi& api() const { return api_; }
  QkDevice* handle() const { return device_; }
  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  int32_t type() const { return type_; }

  // Throws Error, one sentence that says what helps, unless status is QK_OK. Of a device that was lost
  // it says why the first time it was noticed.
  void check(int32_t status);

 private:
  const QkTorchApi& api_;
  std::string name_, kind_;
  int32_t type_;
  QkDevice* device_ = nullptr;
  std::string lost_;  // the sentence
};

// Throws Error, as OpenedDevice::check does, for a call that has no device.
void check_torch(const QkTorchApi& api, const std::string& name, int32_t status);

// device outlives the backend.
Backend torch_backend(OpenedDevice& device);

}  // namespace qk
