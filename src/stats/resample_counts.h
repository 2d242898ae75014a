// How often each document occurs in each replicate of the error bars. Replicate 0 is the sample
// itself: every document once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/document_interval.h"

namespace qk {

class ResampleCounts {
 public:
  // The most groups of documents that leave_out() makes.
  static constexpr int64_t kMostGroups = 200;

  // The replicates that `options` asks for: leave_out() or the bootstrap's. Only the sample itself
  // if there are fewer than two documents or no error bars are wanted.
  static ResampleCounts of_options(int64_t num_documents, const ErrorBarOptions& options,
                                   int64_t seed);
  // Jackknife: replicate r lacks document r - 1. More than kMostGroups documents are left out in
  // groups of neighbours whose sizes differ by one at most.
  static ResampleCounts leave_out(int64_t num_documents);

  // Bootstrap: each of the replicates 1 to `draws` draws num_documents documents with replacement, one
  // replicate after another from one generator, numpy's default_rng(seed): heads with the same
  // documents have the same replicates, so differences between heads can be bootstrapped too.
  ResampleCounts(int64_t num_documents, int64_t draws, int64_t seed);

  int64_t replicates() const { return replicates_; }  // with the sample
  int64_t num_documents() const { return num_documents_; }
  double at(int64_t replicate, int64_t document) const {
    return counts_[static_cast<size_t>(replicate * num_documents_ + document)];
  }
  // [num_documents]
  std::span<const uint16_t> of(int64_t replicate) const {
    return std::span(counts_).subspan(static_cast<size_t>(replicate * num_documents_),
                                      static_cast<size_t>(num_documents_));
  }
  // [last - first, documents.size()]: the counts of some documents in the replicates [first, last).
  std::vector<double> gather(int64_t first, int64_t last, std::span<const int64_t> documents) const;

 private:
  int64_t num_documents_;
  int64_t replicates_;
  std::vector<uint16_t> counts_;  // [replicates, documents]
};

}  // namespace qk
