// Cosines and sines for every position of a batch, computed once: one table per set of rope
// parameters, and per length of document where the frequencies depend on it. On a backend whose
// rows depend on the shape of a call every document has tables of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/bound_model.h"
#include "model/buffer.h"
#include "model/forward.h"
#include "model/rope_frequencies.h"

namespace qk {

class RopeTables {
 public:
  //   model      outlives this
  //   rope_sets  indexes into config.rope that are needed
  RopeTables(const BoundModel& model, const Sequences& sequences, std::span<const int> rope_sets);

  struct Rows {
    Matrix cos, sin;  // [positions, rotary_dim / 2]
  };
  // The rows of all positions of a sequence.
  Rows of(int rope_idx, int64_t sequence) const;

  // Bytes that the tables hold for sequences of these lengths (given and full).
  static int64_t bytes(const ModelConfig& config, const BackendTraits& traits,
                       std::span<const int64_t> lengths, std::span<const int64_t> full_lengths,
                       std::span<const int> rope_sets);

 private:
  struct Table {
    Buffer cos, sin;  // [positions, half]
    int64_t positions = 0, half = 0;
  };

  void add_table(const RopeFrequencies& frequencies, int64_t positions);

  const BoundModel& model_;
  std::vector<std::vector<int>> table_of_;  // [rope sets of the model][sequence] -> tables_
  std::vector<Table> tables_;
};

}  // namespace qk
