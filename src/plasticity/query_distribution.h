// A method's model of the queries of one head: at any time, q . w is normal for every fixed w.
#pragma once

#include <cstdint>
#include <span>

namespace qk {

// Which queries.
struct QueryTime {
  int64_t bucket = 0;
  double mean_position = 0;  // of the head's queries in the bucket, from QueryFit's origin, tokens
};

// Threads: one at a time; each head has its own.
class QueryDistribution {
 public:
  virtual ~QueryDistribution() = default;

  // Mean and variance of q . w for each row w of `differences` (key minus key, in the same oriented
  // basis as the head's tables). A variance that is not above 0 means that the pair cannot be
  // judged.
  //   differences [n, head_dim]
  //   means       [n]
  //   variances   [n]
  virtual void project(const QueryTime& time, std::span<const double> differences,
                       std::span<double> means, std::span<double> variances) = 0;
};

}  // namespace qk
