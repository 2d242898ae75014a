// Synthetic heads whose plasticity is known: docs/methods.md, "Truth".
//
// Queries of bucket b are N(mean + drift * t_b, covariance), with t_b the bucket's middle; the
// deviation is the sum of a part that a document shares and a part of each row. Keys of a document
// differ by N(0, 2 * inverse covariance), confined to some axes. Then z = (w . mean) / sqrt(w'
// covariance w) of a pair depends only on one or two coordinates of a point on a sphere, and its
// mean plasticity is an integral over them.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "heads/head_table.h"
#include "plasticity/method_options.h"

namespace qk {

struct KnownHead {
  std::string name;
  int64_t dim = 8;
  int64_t buckets = 8;
  int64_t width = 64;           // positions of a bucket
  double start = 0;             // |mean| at position 0, in standard deviations, along axis 1
  double drift = 0;             // along axis 0 at the last bucket's middle, in standard deviations
  double shared = 0;            // fraction of the variance shared within a document
  bool unequal = false;         // documents with 1 to 7 times as many rows
  int64_t window = 0;           // tokens; 0: none
  bool far_keys_aside = false;  // keys of odd buckets differ in axes without drift only
  bool rotated = false;         // covariance with a spread of 1e4 in a random basis
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
  // ap_overall of the distribution at each time: mean over the bucket pairs within the window.
  double truth() const;
  // ap_overall of a method that forgets: the distribution of the queries so far, weighted with
  // (1 - alpha)^age, at every bucket's middle, and local pairs. REQUIRES: !unequal or
  // !far_keys_aside.
  double forgetting_truth(double alpha) const;

 private:
  double local_plasticity(int64_t q, double mean, double spread) const;
  HeadTable table(bool is_query, int64_t documents, std::mt19937_64& engine) const;

  KnownHead head_;
  std::vector<double> root_;          // [dim, dim]: covariance = root root'
  std::vector<double> inverse_root_;  // [dim, dim]: its inverse, transposed
};

// Mean of 4 p (1 - p) over directions u uniform on the sphere in dim dimensions, with
// z = (a u_1 + c u_2) / sqrt(1 + s^2 u_1^2).
double sphere_plasticity(int64_t dim, double a, double c, double s);

}  // namespace qk
