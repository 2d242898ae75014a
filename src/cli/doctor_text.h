// What `qkscope doctor` prints.
#pragma once

#include <span>
#include <string>

#include "doctor/finding.h"

namespace qk {

// For people: a line for each finding, and below it what would help.
std::string doctor_text(std::span<const FindingSection> sections);

// For scripts: docs/command-line.md, "The doctor for scripts".
std::string doctor_json(std::span<const FindingSection> sections);

// Of what is configured and does not work.
int count_faults(std::span<const FindingSection> sections);

}  // namespace qk
