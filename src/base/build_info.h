// What this binary was built from.
#pragma once

#include <string>
#include <vector>

namespace qk {

std::string version();       // "0.1.0"
std::string build_commit();  // 12 hexadecimal digits, "-dirty" after them if the tree was changed;
                             // empty if the build was not made from a git checkout
std::string build_type();    // of CMake: "Release"
std::string compiler();      // "GNU 12.2.0"
std::string tokenizers_version();  // of Hugging Face's crate, "0.22.1"

struct LibraryVersion {
  std::string name, version;
};

// The libraries that were known when it was built, by name: those of C++ that do not say their
// version when they run. Arrow, curl, OpenSSL and the crates of Rust are not among them.
std::vector<LibraryVersion> library_versions();

}  // namespace qk
