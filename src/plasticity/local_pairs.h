// Key pairs that lie near each other in one document: docs/methods.md, "Local pairs".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "random/numpy_rng.h"

namespace qk {

// Row numbers within one document's keys, in order of position.
struct LocalPair {
  int64_t document = 0;
  int64_t first = 0;
  int64_t second = 0;
};

// How far apart the keys of a pair may lie in a document of this length:
// max(1, floor(fraction * length)).
int64_t local_reach(int64_t length, double fraction);

// The keys of one document that may be drawn.
struct LocalDocument {
  int64_t length = 0;  // keys; the document is drawn in proportion to it
  int64_t reach =
      1;  // how far apart two keys may lie, >= 1: rows, or tokens if positions are given
  std::span<const int64_t> positions;  // [length], ascending; or empty
};

class LocalPairSampler {
 public:
  // Positions must outlive the sampler.
  explicit LocalPairSampler(std::vector<LocalDocument> documents);

  // False if no document has two keys within its reach.
  bool can_draw() const { return can_draw_; }
  // One ordered pair. REQUIRES: can_draw().
  LocalPair draw(NumpyGenerator& generator) const;

 private:
  std::optional<LocalPair> attempt(NumpyGenerator& generator) const;

  std::vector<LocalDocument> documents_;
  std::vector<double> cumulative_;  // of lengths, divided by their sum
  bool can_draw_ = false;
};

}  // namespace qk
