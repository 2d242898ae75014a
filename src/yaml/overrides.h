// `--set section.key=value`: one field of a configuration replaced on the command line.
#pragma once

#include <string>
#include <string_view>

#include "yaml/yaml_reader.h"

namespace qk {

inline constexpr std::string_view kOverrideOption = "--set ";

// Sets the field that `text` ("capture.sampler.base_rate=0.5") names to the YAML value after the
// first '='. Mappings on the way are made if absent or null. The place of the new value is
// "--set <text>". Throws Error: no '=', an empty key, a value that is not YAML, a mapping on the
// way that is something else, a token (yaml/token_check.h).
void apply_override(YamlValue& tree, const std::string& text);

}  // namespace qk
