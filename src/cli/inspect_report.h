// The output of `qkscope inspect`.
#pragma once

#include <string>

#include "dataset/dataset_reader.h"

namespace qk {

// Text for people, a screen or two.
std::string inspect_text(const DatasetInfo& info);

// One JSON object with all facts about each head. Footers that hold JSON are nested.
std::string inspect_json(const DatasetInfo& info);

}  // namespace qk
