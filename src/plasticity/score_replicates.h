// Score differences of key pairs under the queries of every bootstrap replicate, without their
// covariance matrices: each document's sums of s = q . w and of s^2 are enough.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/document_index.h"
#include "heads/head_table.h"
#include "stats/dense_products.h"
#include "stats/document_product.h"
#include "stats/resample_counts.h"

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

  // For every pair and replicate the sums over queries of weight * s and weight * s^2,
  // s = (q - origin) . w in float32: exact to about 1e-6 of the largest s, as error bars need it.
  //   first, second  [differences.blocks(), replicates, kBlockWidth], resized
  void project(const VectorBlocks& differences, std::vector<double>& first,
               std::vector<double>& second) const;

 private:
  void project_blocks(const VectorBlocks& differences, int64_t begin, int64_t end,
                      std::span<double> first, std::span<double> second) const;

  RowsByDocument group_;
  std::vector<double> weights_;
  std::vector<double> origin_;  // [head_dim]
  std::vector<float> vectors_;  // [rows, head_dim], minus origin
  int64_t dim_;
  DocumentProduct product_;
  std::vector<double> weight_;
  std::vector<double> squared_weight_;
};

}  // namespace qk
