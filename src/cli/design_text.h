// The design of a capture, for people.
#pragma once

#include <string>

#include "capture/design.h"

namespace qk {

// Lines of the plan: lengths of the documents, a table of the buckets, warnings.
std::string design_text(const PreparedRun& run, const CorpusLengths& lengths);

}  // namespace qk
