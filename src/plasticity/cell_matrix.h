// The cells of one method in every replicate: what curves, slopes and their error bars are made of.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/bucket_ranges.h"
#include "plasticity/bucket_plasticity.h"
#include "plasticity/plasticity_replicates.h"

namespace qk {

class CellMatrix {
 public:
  // `replicates`: of the same cells, or null without error bars. All must outlive the matrix.
  CellMatrix(std::span<const BucketPlasticity> cells, const PlasticityReplicates* replicates);

  std::span<const BucketPlasticity> cells() const { return cells_; }
  // With the sample, which is replicate 0; 1 without error bars.
  size_t replicates() const { return replicates_; }
  // NaN: nothing could be compared.
  double at(size_t cell, size_t replicate) const;
  // Replicates 1 and up of a cell; empty without error bars, or if nothing could be compared.
  std::span<const double> replicates_of(size_t cell) const;

 private:
  std::span<const BucketPlasticity> cells_;
  std::vector<const CellReplicates*> rows_;  // beside cells_, or null
  size_t replicates_ = 1;
};

// Query bucket minus key bucket; the largest number if it is larger.
int64_t bucket_lag(const BucketPlasticity& cell);

// The middle of a bucket's first and last position, tokens.
double bucket_middle(const BucketRanges& ranges, int64_t bucket);

// A point of a curve over buckets: the mean of the cells that belong to it.
struct CurvePoint {
  int64_t bucket = 0;  // the query bucket; of a curve over distance: query bucket minus key bucket
  double center = 0;  // tokens: the bucket's middle; the mean distance between the buckets' middles
  double first = 0;   // tokens: the bucket's first and last position; the least and the largest
  double last = 0;    //   distance between the middles
  int64_t queries = 0;
  int64_t pairs = 0;
  int64_t documents = 0;           // of a cell, on average
  double effective_documents = 0;  // likewise
  std::vector<double> values;      // [replicates], the sample's first
};

// Ascending by bucket.
std::vector<CurvePoint> curve_over_positions(const CellMatrix& matrix, const BucketRanges& ranges);
std::vector<CurvePoint> curve_over_distances(const CellMatrix& matrix, const BucketRanges& ranges);

}  // namespace qk
