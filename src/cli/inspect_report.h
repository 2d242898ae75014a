// What `qkscope inspect` says.
#pragma once

#include <string>

#include "dataset/dataset_reader.h"

namespace qk {

// For people, a screen or two.
std::string inspect_text(const DatasetInfo& info);

// One JSON object with everything, head by head. Footers that hold JSON are nested.
std::string inspect_json(const DatasetInfo& info);

}  // namespace qk
