// The fields of an analysis that are also options of `qkscope analyze`.
#pragma once

#include <span>

namespace qk {

// A field of the configuration that is also an option.
struct FieldOption {
  const char* key;
  const char* type;   // of the value, as the help shows it; empty: a flag that means true
  const char* group;  // heading in the help
  const char* help;
};

// In the order of the help.
std::span<const FieldOption> field_options();

}  // namespace qk
