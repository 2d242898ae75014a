// What became of a run's documents: the numbers in the card.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/journal.h"

namespace qk {

struct DocumentCounts {
  int64_t all = 0;
  int64_t tokens = 0;      // as cut to max_length
  int64_t truncated = 0;   // had more tokens than max_length
  int64_t empty = 0;       // without a token
  int64_t no_text = 0;     // skipped: null, or not a string
  int64_t not_utf8 = 0;    // skipped
  int64_t too_large = 0;   // skipped
  int64_t not_finite = 0;  // skipped
  int64_t repeated_ids =
      0;  // with the id of an earlier one: example_id cannot distinguish their rows

  int64_t skipped() const { return no_text + not_utf8 + too_large + not_finite; }
};

//   int32_ids  ids are compared as they are written under compat: reference
DocumentCounts count_documents(std::span<const DocumentEnd> documents, bool int32_ids);

// Name and number of every count but the tokens, in the order of the card.
std::vector<std::pair<std::string_view, int64_t>> named_counts(const DocumentCounts& counts);

}  // namespace qk
