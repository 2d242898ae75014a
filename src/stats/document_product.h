// Numbers of every document become numbers of every replicate: the matrix product with the counts of
// the replicates, or, where these hardly differ from the sample's, what they differ by.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/dense_products.h"
#include "stats/resample_counts.h"

namespace qk {

class DocumentProduct {
 public:
  DocumentProduct() = default;
  // `documents`: those that have numbers, in the order of the numbers.
  DocumentProduct(const ResampleCounts& counts, std::span<const int64_t> documents);

  int64_t replicates() const { return replicates_; }
  int64_t documents() const { return documents_; }
  double times(int64_t replicate, int64_t place) const {
    return times_[static_cast<size_t>(replicate * documents_ + place)];
  }

  // out[r][lane] = sum over documents of times(r, g) * of_documents[g][lane].
  //   of_documents  [documents, kBlockWidth]
  //   out           [replicates, kBlockWidth]
  void multiply(const double* of_documents, double* out) const;

 private:
  void multiply_sparse(const double* of_documents, double* out) const;

  // A document that a replicate does not have once.
  struct Change {
    int64_t place;
    double times;  // minus 1
  };

  int64_t replicates_ = 0;
  int64_t documents_ = 0;
  std::vector<double> times_;  // [replicates, documents]
  bool is_sparse_ = false;
  std::vector<Change> changes_;  // replicate by replicate
  std::vector<int64_t> begins_;  // [replicates + 1], into changes_
};

}  // namespace qk
