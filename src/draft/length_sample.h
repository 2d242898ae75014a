// How long the documents of a corpus are, from a sample of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "corpus/corpus.h"
#include "tokenizer/tokenizer.h"

namespace qk {

struct SampleLimits {
  int64_t read_bytes = int64_t{256} << 20;    // of text that is read
  int64_t whole_bytes = int64_t{1} << 20;     // of text until which every document is tokenised
  int64_t prefix_bytes = int64_t{256} << 10;  // of one text that are tokenised
  double seconds = 30;                        // after which nothing more is read
};

struct LengthSample {
  std::vector<int64_t> tokens;       // of the documents that were read, not cut to any length
  int64_t num_tokenised = 0;         // of these; the others are estimated from their bytes
  std::optional<int64_t> documents;  // in all, if that is known
  bool is_whole = false;             // all were read
  bool out_of_time = false;

  // Documents for each one that was read.
  double scale() const;
};

// Reads the corpus from its beginning. A stratum is made of texts whose bytes differ by at most a
// factor of the square root of 2; beyond whole_bytes its 1st, 2nd, 4th, 8th ... document is
// tokenised, and the rest have the tokens per byte of those. So the same corpus gives the same
// numbers, unless the time is over. Throws Error as the corpus and the tokenizer do. REQUIRES:
// nothing was read of the corpus yet.
LengthSample sample_lengths(Corpus& corpus, const Tokenizer& tokenizer,
                            const SampleLimits& limits = {});

}  // namespace qk
