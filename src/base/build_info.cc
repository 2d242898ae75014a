#include "base/build_info.h"

#include "qk_build_info.h"  // made by cmake/build_info.cmake

namespace qk {

std::string version() { return QK_VERSION; }
std::string build_commit() { return QK_COMMIT; }
std::string tokenizers_version() { return QK_TOKENIZERS; }

}  // namespace qk
