// Synthetic heads whose plasticity is known: docs/methods.md, "Truth".
//
// A query at position t is root (mean(t) + noise), with noise of mean 0 and covariance 1, normal or
// of Student's t; a part of the noise may be shared by the queries of a document. Keys of a
// document differ by N(0, 2 (root root')^-1). So for a pair of keys with difference w, root' w has
// a random direction u, and a query prefers the first key with probability F(u . mean(t)), F the
// distribution function of one component of the noise. The truth is an integral over u.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct KnownHead {
  std::string name;
  int64_t dim = 8;
  int64_t buckets = 8;
  int64_t width = 64;           // positions of a bucket
  double start = 0;             // of the mean, along axis 1, in standard deviations
  double drift = 0;             // along axis 0 at the end of the last bucket
  double turning = 0;           // radius in each pair of components 2i, 2i + 1, which turns by
                                // 10000^(-2i / dim) a token, as RoPE turns it
  double shared = 0;            // fraction of the noise's variance that a document shares
  bool unequal = false;         // documents with 1 to 7 times as many rows
  bool heavy = false;           // noise of Student's t with 4 degrees of freedom
  bool two_kinds = false;       // half of the documents, at random, have mean 0
  int64_t window = 0;           // tokens; 0: none
  bool far_keys_aside = false;  // keys of odd buckets differ in the upper half of the axes only
  bool rotated = false;         // root with a spread of 1e4 in a random basis
};

struct KnownTables {
  HeadTable queries;
  HeadTable keys;
};

class KnownHeadSource {
 public:
  // The basis of `rotated` is the same for every sample of the head.
  explicit KnownHeadSource(const KnownHead& head);

  KnownTables sample(int64_t documents, uint64_t seed) const;

  // Plasticity of a query drawn from a bucket, for keys of an earlier one.
  double cell_truth(int64_t q_bucket, int64_t k_bucket) const;
  // ap_overall: mean over the bucket pairs within the window.
  double truth() const;
  bool in_window(int64_t q_bucket, int64_t k_bucket) const;

 private:
  struct Document {
    int64_t size = 1;
    bool is_plain = false;
  };

  HeadTable table(bool is_query, const std::vector<Document>& documents,
                  std::mt19937_64& engine) const;
  void add_noise(std::span<const double> shared, bool is_heavy, std::mt19937_64& engine,
                 std::vector<double>& out) const;
  void append(bool is_query, const std::vector<double>& white, HeadTable& out) const;
  std::vector<double> mean_at(int64_t position) const;  // [dim], white
  // Of queries with any of these means, for keys that differ in the axes [first_axis, last_axis).
  double mean_plasticity(const std::vector<std::vector<double>>& means, int64_t first_axis,
                         int64_t last_axis) const;

  KnownHead head_;
  std::vector<double> root_;          // [dim, dim]
  std::vector<double> inverse_root_;  // [dim, dim]: its inverse, transposed
  std::vector<double> directions_;    // [directions, dim], spread evenly over the sphere
};

}  // namespace qk
