// Score differences of key pairs under the queries of every bootstrap replicate, without their
// covariance matrices: each document's sums of s = q . w and of s^2 are enough.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plasticity/dense_products.h"
#include "plasticity/document_index.h"
#include "plasticity/head_table.h"
#include "plasticity/resample_counts.h"

namespace qk {

// Queries of which the law is made, with weights.
class WeightedQueries {
 public:
  // `weights` [group.rows]. Vectors are taken relative to the first row's.
  WeightedQueries(const HeadTable& queries, RowsByDocument group, std::vector<double> weights,
                  const ResampleCounts& counts);

  // A sum over documents: of weights, and of their squares. [replicates]
  const std::vector<double>& weight() const { return weight_; }
  const std::vector<double>& squared_weight() const { return squared_weight_; }
  const std::vector<double>& origin() const { return origin_; }

  // For the pairs of one block of differences: sums over queries and replicates of weight * s and
  // weight * s^2, s = (q - origin) . w.
  //   first, second  [replicates, kBlockWidth]
  void project(const double* block, std::span<double> first, std::span<double> second) const;

 private:
  RowsByDocument group_;
  std::vector<double> weights_;
  std::vector<double> origin_;   // [head_dim]
  std::vector<double> vectors_;  // [rows, head_dim], minus origin
  int64_t dim_;
  int64_t replicates_;
  std::vector<double> counts_;  // [replicates, documents that occur]
  std::vector<double> weight_;
  std::vector<double> squared_weight_;
};

}  // namespace qk
