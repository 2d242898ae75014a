// On which device a run computes, in what type, and which keys of the file that decides about.
// Rules: docs/gpu.md, "Choosing".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "capture/config.h"
#include "device/devices.h"
#include "model/forward.h"
#include "verify/computed_in.h"

namespace qk {

struct DeviceChoice {
  std::string place;  // of the option or the key that made it, for messages
  DeviceRequest request;
};

// flag: of --device, or none; it wins over model.device_map. Throws Error: neither names a device.
DeviceChoice choose_device(const SniffConfig& config, const std::optional<std::string>& flag);

// On torch model.dtype is the type of weights and activations.
DeviceOptions device_options(const SniffConfig& config, int num_threads);

// Throws Error with the key: something in it that these devices do not do, or --set gives a key
// that has no effect on them.
void check_device_keys(const SniffConfig& config, const Devices& devices);

// As --chunk-tokens and --attention-tokens give them; 0: not given.
struct ChunkSizes {
  int64_t chunk_tokens = 0, attention_tokens = 0;
};

// The sizes are never chosen by free memory, since on torch the last bits depend on them. Throws
// Error: --attention-tokens is not for these devices, or no multiple of the chunk.
ForwardOptions forward_options(const BackendTraits& traits, const ChunkSizes& chunks = {});

// What the bits of a run depend on beside its inputs. The device is Devices::description() with
// "chunk_tokens" and "attention_tokens" (null: whole documents).
ComputedIn computed_in(const Devices& devices, int64_t head_dim, const ForwardOptions& forward);

// Of an opened device, from Devices::description(): "cuda (NVIDIA H200)"; of an empty one "cpu".
std::string device_title(const std::string& description);

}  // namespace qk
