// One thing that `qkscope doctor` looked at.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace qk {

enum class FindingState : uint8_t {
  kFine,
  kNote,   // something is missing or odd; a run works without it
  kFault,  // something is configured and does not work
};

struct Finding {
  std::string name;  // "memory"
  std::string text;  // one line
  FindingState state = FindingState::kFine;
  std::string remedy = {};            // one line; empty: none is needed
  nlohmann::ordered_json facts = {};  // the same for scripts, an object: docs/command-line.md
};

struct FindingSection {
  std::string name;  // "machine"
  std::vector<Finding> findings;
};

}  // namespace qk
