// What this binary was built from.
#pragma once

#include <string>

namespace qk {

std::string version();       // "0.1.0"
std::string build_commit();  // 12 hexadecimal digits, "-dirty" after them if the tree was changed;
                             // empty if the build was not made from a git checkout
std::string tokenizers_version();  // of Hugging Face's crate, "0.22.1"

}  // namespace qk
