#include "cli/licenses.h"

// The standard requires compilers to accept 65536 characters; g++ and clang++ accept any number.
#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace qk {

const char* third_party_notices() {
  return
#include "qk_notices.inc"  // made by cmake/notices.cmake
      ;
}

}  // namespace qk
