// Where a run computes: our own kernels on the CPU, or torch on a device that its plugin knows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "kernels/backend.h"

namespace qk {

// What --device or model.device_map names.
struct DeviceRequest {
  enum class Kind : uint8_t {
    kAuto,      // "auto": the first GPU if the plugin is there and one answers, else kCpu
    kCpu,       // "cpu"
    kTorchCpu,  // "torch:cpu"
    kCuda,      // "cuda", "cuda:N", "cuda:0,2", "cuda:all"
  };
  Kind kind = Kind::kAuto;
  std::vector<int> indexes = {};  // of kCuda, as they were named; empty: the first one
  bool all = false;               // every device of the kind
  // Of several processes on this machine that share its GPUs, which one this is: without indexes it
  // takes the GPU of this number, or counts again from the first if there are fewer.
  std::optional<int> local_rank = {};
};

// Throws Error that begins with `place` ("--device") and names what may be there.
DeviceRequest parse_device(std::string_view place, std::string_view text);

// How devices of torch are opened.
struct DeviceOptions {
  DType dtype = DType::kF32;          // of weights and activations: float32, float16, bfloat16
  bool dispatched_attention = false;  // as transformers leaves it to torch: compat: reference
  int num_threads = 0;                // of the host, for all devices; 0: all cores each
};

struct DeviceMemory {
  int64_t free_bytes = 0, total_bytes = 0;  // 0: not known
};

// The devices of one run, all of one model. Backends and what they made stay valid as long as this.
class Devices {
 public:
  virtual ~Devices() = default;

  virtual int count() const = 0;
  // Each for one thread at a time.
  virtual const Backend& backend(int index) const = 0;
  // Of the host with kCpuBackend: not known.
  virtual DeviceMemory memory(int index) const = 0;
  // As --device would name them: "cpu", "torch:cpu", "cuda:0", "cuda:0,1".
  virtual std::string name() const = 0;
  // For the plan, why it is these: "as --device says"; with kAuto what was found: "auto: the first GPU",
  // "auto: there is no GPU: ...".
  virtual std::string reason() const = 0;
  // With kAuto: a plugin is there and seems to have a GPU, but computes on none: what does not work, for
  // a warning. Empty: nothing to say.
  virtual std::string problem() const { return ""; }
  // Of what the bits depend on, a JSON object for the provenance (device, torch, cuda, cudnn,
  // attention, ...); empty for our own kernels, whose bits are the same everywhere.
  virtual std::string description(int64_t head_dim) const = 0;
};

// Throws Error: the plugin, torch or the device is not there, or they do not belong together; each
// sentence says what would help. `place` as in parse_device.
std::unique_ptr<Devices> open_devices(std::string_view place, const DeviceRequest& request,
                                      const DeviceOptions& options);

}  // namespace qk
