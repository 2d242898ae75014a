// Which machine this is.
#pragma once

#include <string>

namespace qk {

// "node17.example.org", or as the machine is called; "localhost" if it has no name.
std::string host_name();

// The same up to the first dot: for sentences.
std::string short_host_name();

// Linux draws it at the start of a machine, also of one whose name others have. Empty: not known.
std::string boot_id();

}  // namespace qk
