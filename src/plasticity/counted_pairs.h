// The method `counted`: docs/methods.md. No distribution of the queries is assumed; the queries of a
// bucket are asked one by one which key they prefer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/document_index.h"
#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "plasticity/plasticity_input.h"
#include "stats/preference_counts.h"

namespace qk {

// 4 p (1 - p) without bias: twice the probability that two different ones of `queries` queries
// disagree, where `preferring` prefer the first key and `undecided` score both the same (half a
// preference each). It may exceed 1 by 1 / (queries - 1). NaN with fewer than two queries. Numbers
// may be weighted: a query of weight 2 counts as two.
double counted_plasticity(double queries, double preferring, double undecided);

// First key minus second key of every pair, side by side, in float32.
FloatBlocks float_differences(const HeadTable& keys, std::span<const KeyPair> pairs);

// Whether both keys of a pair are the same vector.
bool are_equal_keys(const HeadTable& keys, const KeyPair& pair);

// The queries of one bucket, document by document.
class BucketVoters {
 public:
  // `documents_of_rows` as in group_by_document().
  BucketVoters(const HeadTable& queries, std::span<const int64_t> rows,
               std::span<const int64_t> documents_of_rows);

  const RowsByDocument& group() const { return group_; }
  // Adds up the preferences of one document of group(), by its place there, or of all.
  //   preferring, undecided  [kFloatBlockWidth], added to
  void count(int64_t place, const float* block, float* preferring, float* undecided) const;
  void count_all(const float* block, float* preferring, float* undecided) const;

 private:
  RowsByDocument group_;
  int64_t head_dim_;
  std::vector<float> vectors_;  // [group_.rows, head_dim]
};

// counted_queries: same_document. The plasticity of a pair among the queries of its document in
// `voters` that attend to both keys: at their positions or later, and less than the window away.
// NaN for equal keys, or if fewer than two queries attend.
double same_document_plasticity(const PlasticityInput& input, const BucketVoters& voters,
                                const KeyPair& pair);

PlasticityResult measure_counted(const PlasticityInput& input);

}  // namespace qk
