// The devices of a run on a plugin that is loaded already.
#pragma once

#include <memory>
#include <string_view>

#include "device/devices.h"
#include "device/torch_plugin.h"

namespace qk {

// As open_devices() with this plugin, of any request but kCpu.
std::unique_ptr<Devices> open_torch_devices(const TorchPlugin& plugin, std::string_view place,
                                            const DeviceRequest& request,
                                            const DeviceOptions& options);

}  // namespace qk
