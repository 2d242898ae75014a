#include "dataset/arrow_version.h"

#include <arrow/config.h>

namespace qk {

std::string arrow_version() { return arrow::GetBuildInfo().version_string; }

}  // namespace qk
