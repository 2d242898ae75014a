// For tests only: copies of our own backend that pass for devices of torch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "device/devices.h"

namespace qk {

class TestDevices : public Devices {
 public:
  TestDevices(std::string name, std::vector<Backend> backends, DeviceMemory memory = {})
      : name_(std::move(name)), backends_(std::move(backends)), memory_(memory) {}

  int count() const override { return static_cast<int>(backends_.size()); }
  const Backend& backend(int index) const override { return backends_[static_cast<size_t>(index)]; }
  DeviceMemory memory(int /*index*/) const override { return memory_; }
  std::string name() const override { return name_; }
  std::string reason() const override { return "asked for by a test"; }
  std::string description(int64_t /*head_dim*/) const override {
    return name_ == "cpu" ? "" : R"({"device":"cuda","name":"Test 1","torch":"2.9.1"})";
  }

 private:
  std::string name_;
  std::vector<Backend> backends_;
  DeviceMemory memory_;
};

// Our own kernels, with rows that pass for depending on the shape of a call.
inline Backend shaped_backend() {
  Backend out = kCpuBackend;
  out.traits.rows_depend_on_shape = true;
  return out;
}

}  // namespace qk
