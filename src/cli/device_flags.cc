#include "cli/device_flags.h"

#include <cstdio>

#include "base/error.h"
#include "cli/common_options.h"

namespace qk {

void add_chunk_flags(CLI::App& command, ChunkSizes& chunks) {
  command
      .add_option("--chunk-tokens", chunks.chunk_tokens,
                  "Tokens per chunk; smaller chunks use less memory (default: 1024; torch: 16384)")
      ->check(integer_up_to(1 << 20))
      ->group(kResourcesGroup);
  command
      .add_option("--attention-tokens", chunks.attention_tokens,
                  "Queries per call of attention on torch (default: whole documents)")
      ->check(integer_up_to(1 << 30))
      ->group(kResourcesGroup);
}

void add_device_flags(CLI::App& command, DeviceFlags& flags) {
  command
      .add_option("--device", flags.device,
                  "Where to compute: auto, cpu, torch:cpu, cuda, cuda:N, cuda:0,1 or cuda:all "
                  "(default: model.device_map)")
      ->type_name("auto|cpu|torch:cpu|cuda|cuda:N")
      ->group(kResourcesGroup);
  add_bytes(command, "--vram", flags.vram_bytes,
            "Memory limit of each device of torch (default: what is free, less a reserve)")
      ->group(kResourcesGroup);
  add_chunk_flags(command, flags.chunks);
}

void warn_of_problem(const Devices& devices) {
  const std::string problem = devices.problem();
  if (problem.empty()) return;
  std::fprintf(stderr, "qkscope: warning: %s\n", problem.c_str());
}

std::unique_ptr<Devices> open_chosen(const SniffConfig& config, const DeviceFlags& flags,
                                     int num_threads, std::optional<int> local_rank) {
  DeviceChoice choice = choose_device(config, flags.device);
  choice.request.local_rank = local_rank;
  std::unique_ptr<Devices> devices =
      open_devices(choice.place, choice.request, device_options(config, num_threads));
  warn_of_problem(*devices);
  check_device_keys(config, *devices);
  if (flags.vram_bytes > 0 && devices->name() == "cpu") {
    fail(
        "--vram: is for torch (--device cuda), and this run computes on cpu ({}), where --ram limits "
        "memory",
        devices->reason());
  }
  return devices;
}

}  // namespace qk
