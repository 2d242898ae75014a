// Where `sniff` and `verify` compute: their options, and the devices that they open.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "capture/config.h"
#include "capture/device_choice.h"
#include "device/devices.h"

namespace qk {

struct DeviceFlags {
  std::optional<std::string> device;
  int64_t vram_bytes = 0;  // 0: not given
  ChunkSizes chunks;
};

void add_chunk_flags(CLI::App& command, ChunkSizes& chunks);
void add_device_flags(CLI::App& command, DeviceFlags& flags);

// Warns if `auto` finds a plugin that does not work: the run would take hours without a word.
void warn_of_problem(const Devices& devices);

// Throws Error: no such device, or a key or option that it does not heed.
//   local_rank  as in DeviceRequest
std::unique_ptr<Devices> open_chosen(const SniffConfig& config, const DeviceFlags& flags,
                                     int num_threads, std::optional<int> local_rank = {});

}  // namespace qk
