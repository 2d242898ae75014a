// Key pairs that lie near each other in one document: docs/methods.md, "Local pairs".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/numpy_rng.h"

namespace qk {

// Row numbers within one document's keys, in order of position.
struct LocalPair {
  int64_t document = 0;
  int64_t first = 0;
  int64_t second = 0;
};

// How far apart the keys of a pair may lie, in rows, in a document of `length` keys:
// max(1, floor(fraction * length)).
int64_t local_reach(int64_t length, double fraction);

class LocalPairSampler {
 public:
  // lengths  [documents]  keys that may be drawn; the document is drawn in proportion to it
  // reach    [documents]  rows, >= 1
  // REQUIRES: equal sizes; lengths >= 0.
  LocalPairSampler(std::span<const int64_t> lengths, std::span<const int64_t> reach);

  // False if no document has two keys.
  bool can_draw() const { return can_draw_; }
  // One ordered pair. REQUIRES: can_draw().
  LocalPair draw(NumpyGenerator& generator) const;

 private:
  std::optional<LocalPair> attempt(NumpyGenerator& generator) const;

  std::vector<int64_t> lengths_;
  std::vector<int64_t> reach_;
  std::vector<double> cumulative_;  // of lengths, divided by their sum
  bool can_draw_ = false;
};

}  // namespace qk
