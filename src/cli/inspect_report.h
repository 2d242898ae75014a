// The output of `qkscope inspect`.
#pragma once

#include <string>

#include "cli/dataset_argument.h"
#include "dataset/dataset_reader.h"

namespace qk {

// Text for people, a screen or two.
std::string inspect_text(const DatasetInfo& info, const WholeDataset& dataset);

// One JSON object with all facts about each head. Footers that hold JSON are nested.
std::string inspect_json(const DatasetInfo& info, const WholeDataset& dataset);

}  // namespace qk
