// The plugin that computes with torch: where it is, which torch it belongs to, its table of functions.
#pragma once

#include <filesystem>
#include <string>

#include "device/torch_api.h"

namespace qk {

// What the plugin's file says of itself, read as text: nothing of it has run yet.
struct TorchMark {
  std::string version;           // of torch, "2.9.1"
  std::filesystem::path folder;  // of that torch: lib/, version.py
};

// $QKSCOPE_TORCH_PLUGIN, else libqkscope_torch.so beside the program, else in ../lib/qkscope. Empty if
// neither is there. Throws Error: the environment names a file that is not there.
std::filesystem::path find_torch_plugin();

// Throws Error: the file cannot be read or has no mark.
TorchMark read_torch_mark(const std::filesystem::path& plugin);

// Of the torch in a folder, "2.9.1+cu128": its version.py, or build-version. Throws Error that names the
// folder: neither is there, or it names no version.
std::string torch_version_in(const std::filesystem::path& folder);

struct TorchPlugin {
  const QkTorchApi* api = nullptr;
  std::string torch_version;  // of the torch that it computes with
};

// Loads it, once: later calls give the same table. Torch is looked for in $QKSCOPE_TORCH_DIR, else where
// the plugin was built. Throws Error: the torch that is there is not the one that the plugin was
// built for (compared before anything of the plugin runs), it cannot be loaded, or it has another table.
TorchPlugin load_torch_plugin(const std::filesystem::path& plugin);

}  // namespace qk
