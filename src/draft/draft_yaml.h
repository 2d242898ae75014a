// The draft of a run as the YAML file that `qkscope sniff` takes.
#pragma once

#include <string>

#include "draft/length_sample.h"
#include "draft/settings.h"

namespace qk {

// A text in YAML that means the same everywhere: plain where that is safe, else in double quotes.
std::string yaml_text(const std::string& text);

// With a comment above each key that says why it has its value, and what the run takes at the top.
std::string draft_yaml(const Draft& draft, const LengthSample& lengths);

}  // namespace qk
