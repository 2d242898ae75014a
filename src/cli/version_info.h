// What `qkscope --version` and `qkscope --version --json` print.
#pragma once

#include <string>

namespace qk {

// Three lines for people.
std::string version_text();

// One JSON object for scripts, indented: docs/command-line.md, "The version for scripts".
std::string version_json();

}  // namespace qk
