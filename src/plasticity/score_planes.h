// The planes on which the queries and keys of a head are drawn: docs/analysis.md, "Planes".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heads/head_table.h"
#include "plasticity/head_profile.h"
#include "plasticity/query_fit.h"
#include "plasticity/vector_moments.h"

namespace qk {

// Orthonormal, [head_dim] each.
struct PlaneAxes {
  std::vector<double> x;
  std::vector<double> y;
};

// Covariance of the queries' residuals around the line, divided by rows: [head_dim, head_dim], j <= i.
// All zeros if nothing but rounding is left, or if there are not three rows.
std::vector<double> residual_covariance(const QueryFit& fit, const VectorMoments& queries);

// Threads: safe to call concurrently.
class ScorePlanes {
 public:
  // All must outlive this. `queries` and `keys` are of the head's tables, `residuals` is
  // residual_covariance().
  ScorePlanes(const QueryFit& fit, const VectorMoments& queries, const VectorMoments& keys,
              std::span<const double> residuals);

  // None if vectors have one number only, if all queries are zero or all keys are equal; and:
  // x along beta, y the first principal axis of the residuals across it. None if there is no beta, or
  // no residual across it.
  std::optional<PlaneAxes> along_beta() const;
  // The two first axes, about 0, of queries and keys together: eigenvectors of
  // s^2 mean(q q') + cov(k) / s^2.
  std::optional<PlaneAxes> joint() const;
  // Two components.
  std::optional<PlaneAxes> components(int64_t first, int64_t second) const;

  // 1 - mean((S - P)^2) / mean(S^2) over all pairs of a query q and a key k, where S = q . (k - mean k)
  // and P is the product of their points in the plane. NaN if the scores do not vary.
  double share(const PlaneAxes& axes) const;

  // Points of the given rows.
  HeadPlane draw(const PlaneAxes& axes, const HeadTable& queries,
                 std::span<const int64_t> query_rows, const HeadTable& keys,
                 std::span<const int64_t> key_rows) const;

  // s: queries times s and keys divided by s have equal root mean squares.
  double scale() const { return scale_; }

 private:
  std::vector<double> query_product(std::span<const double> x) const;

  const QueryFit& fit_;
  const VectorMoments& queries_;
  const VectorMoments& keys_;
  std::span<const double> residuals_;
  double scale_ = 0;         // 0: there are no planes
  double score_square_ = 0;  // mean of S^2; 0 if it is rounding
};

}  // namespace qk
