// A document as token ids: what a run reads of its corpus.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace qk {

struct TokenizedDocument {
  int64_t index = 0;  // in the run
  int64_t example_id = 0;
  std::vector<int32_t> ids;
  bool truncated = false;                                // it has more tokens
  DocumentOutcome outcome = DocumentOutcome::kCaptured;  // of others there are no ids
};

// The text of a token id, for token_str.
using TokenText = std::function<std::string(int32_t id)>;

}  // namespace qk
