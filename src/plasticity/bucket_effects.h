// What the bucket of a row says about it beside its document: a two-way fit with a constant for
// every document and one for every bucket, and what it finds by chance. docs/analysis.md,
// "Which heads are positional?".
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "plasticity/document_buckets.h"

namespace qk {

// Times the i-th document of `spread` is counted.
using DocumentWeight = std::function<double(int64_t)>;

// Depends on the numbers of rows only. With y the rows of a document and its mean subtracted, the
// fit takes the sums of y over the rows of every bucket, [buckets, columns], added over documents.
class BucketEffects {
 public:
  // `spread` must outlive it.
  BucketEffects(const DocumentBuckets& spread, const DocumentWeight& weight);

  // The part of sum |y|^2 over all rows that the buckets' constants explain, and the part that a
  // straight line through these constants does. Buckets that no document connects with others, and
  // groups of buckets, are compared within their group only.
  struct Squares {
    std::vector<double> buckets;  // [columns]
    std::vector<double> line;     // [columns]
  };
  Squares squares(std::span<const double> sums, int64_t columns) const;

  // What they are on average if the rows of a document change places, for a document whose rows
  // have a population variance of 1: add weight * variance * chance over documents.
  struct Chance {
    double buckets = 0;
    double line = 0;
  };
  Chance chance(int64_t document) const;

  // Constants that are free: buckets minus groups.
  int64_t freedom() const { return freedom_; }

 private:
  void add_documents(const DocumentWeight& weight);
  std::vector<int64_t> groups() const;
  void invert(std::span<const int64_t> group_of);
  void find_line(std::span<const int64_t> group_of);
  void center(std::span<const int64_t> group_of);

  const DocumentBuckets& spread_;
  size_t n_;
  std::vector<double> rows_;     // [buckets], counted
  std::vector<double> normal_;   // [buckets, buckets], of the fit; then its inverse
  std::vector<double> squares_;  // [buckets, buckets]: inverse' N inverse, N the rows around groups
  std::vector<double> line_;     // [buckets]: the line's product with the sums; zeros: no line
  int64_t freedom_ = 0;
};

}  // namespace qk
