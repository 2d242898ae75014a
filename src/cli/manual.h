// What holds for all commands: exit codes, variables of the environment, files.
#pragma once

#include <span>
#include <string>

namespace qk {

struct ManualEntry {
  const char* name;
  const char* text;  // a phrase without a full stop
};

std::span<const ManualEntry> exit_codes();

// The most important ones; docs/hub.md, docs/gpu.md and docs/cluster.md have them all.
std::span<const ManualEntry> environment_variables();

std::span<const ManualEntry> known_files();

// The end of the help, several lines with a heading.
std::string exit_codes_text();

}  // namespace qk
