// Completions of the command line for shells, from its declarations.
#pragma once

#include <string>

#include "cli/declared_command.h"

namespace qk {

// Each is the text of a file for that shell; also for sniff-qk, which is `qkscope sniff`.
std::string bash_completion(const DeclaredCommand& program);
std::string zsh_completion(const DeclaredCommand& program);
std::string fish_completion(const DeclaredCommand& program);

}  // namespace qk
