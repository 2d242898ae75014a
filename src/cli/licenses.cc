#include "cli/licenses.h"

namespace qk {

const char* third_party_notices() {
  return
#include "qk_notices.inc"  // made by cmake/notices.cmake
      ;
}

}  // namespace qk
