// What an analysis will find in each bucket of a capture, reckoned before anything is computed:
// documents, rows and key pairs. docs/methods.md, "How much is enough".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/plan.h"
#include "capture/prepared_run.h"

namespace qk {

// Lengths of a corpus' documents, in tokens as cut to max_length.
struct CorpusLengths {
  std::vector<int64_t> tokens;       // of the first documents; 0: no text, or no token
  int64_t truncated = 0;             // of these
  std::optional<int64_t> documents;  // in all, if that is known
  bool is_whole = false;             // all were measured

  // Documents for each one that was measured.
  double scale() const;
};

// Tokenises the first documents, up to about 8 MiB of text; so it takes seconds, however large the
// corpus is. Throws Error as the corpus and the tokenizer do. REQUIRES: nothing was read of the
// corpus yet, and nobody reads it afterwards.
CorpusLengths measure_lengths(const PreparedRun& run);

struct BucketDesign {
  int32_t bucket = 0;
  int64_t first = 0, last = 0;  // positions
  double documents = 0;         // that reach it
  double rows = 0;              // of one head, expected
  double pairs = 0;             // of keys of one document, of one key head, expected
};

// The buckets that a document reaches, ascending. Each length stands for `scale` documents.
std::vector<BucketDesign> design_buckets(const CaptureSection& capture,
                                         std::span<const int64_t> lengths, double scale);

// Where an analysis would have nothing or little, each in a sentence that says what helps.
std::vector<std::string> design_warnings(const CapturePlan& plan,
                                         std::span<const BucketDesign> buckets);

// The same if the lengths are not known, and each was taken as `assumed_length` tokens, the longest
// there can be: what is too few even so, without numbers that depend on the lengths.
std::vector<std::string> design_warnings(const CapturePlan& plan,
                                         std::span<const BucketDesign> buckets,
                                         int64_t assumed_length);

}  // namespace qk
