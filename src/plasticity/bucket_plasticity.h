// Plasticity of one query bucket and one key bucket: a row of head_bucket_plasticity.csv.
#pragma once

#include <cstdint>
#include <limits>

namespace qk {

inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

struct BucketPlasticity {
  int64_t q_bucket = 0;
  int64_t k_bucket = 0;
  double value = kNotANumber;      // NaN: no pair of keys could be compared
  int64_t queries = 0;             // in the query bucket
  int64_t pairs = 0;               // of keys, that were compared
  int64_t documents = 0;           // with queries, or with such pairs, whichever are fewer
  double effective_documents = 0;  // as many of equal size, likewise (EffectiveSize)
};

}  // namespace qk
