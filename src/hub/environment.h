// Environment variables as Python's Hub client reads them.
#pragma once

#include <filesystem>
#include <string>

namespace qk {

// The variable's value; empty if it is not set.
std::string read_variable(const std::string& name);

// Whether it is 1, ON, YES or TRUE, in any case.
bool is_variable_true(const std::string& name);

// A path in a variable: "~" and "~user" at its begin, and $NAME and ${NAME} inside, are expanded.
// Names that are not set stay as they are.
std::filesystem::path expand_path(const std::string& text);

// HF_HOME, else $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface.
std::filesystem::path hf_home_folder();

}  // namespace qk
