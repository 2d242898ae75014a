// What a picture of one head needs beyond its metrics: a row of head_profiles.parquet. How each
// number is defined: docs/analysis.md, "Profiles".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "plasticity/bucket_plasticity.h"

namespace qk {

// Rows of a head's queries or keys. Every prefix is a stratified sample over buckets too.
struct PointRows {
  std::vector<int64_t> positions;    // [points], tokens
  std::vector<int64_t> buckets;      // [points]
  std::vector<int64_t> example_ids;  // [points], as in HeadTable; empty: the files have none
  bool has_large_ids = false;        // as in HeadTable
  bool operator==(const PointRows&) const = default;
};

// Queries q times s, and keys minus their mean k divided by s, projected on two orthonormal axes.
struct HeadPlane {
  std::vector<float> queries;  // [points, 2]: x and y of each; empty: there is no such plane
  std::vector<float> keys;     // [points, 2]
  // Share of the variance of scores that the plane explains: at most 1. NaN if there is no plane.
  double share = kNotANumber;
  bool operator==(const HeadPlane&) const = default;
};

inline constexpr int64_t kProfileQuantiles = 129;
inline constexpr int64_t kMostEigenvalues = 16;

struct HeadProfile {
  std::vector<double> beta;  // [head_dim], per token, in the oriented basis

  // Of the residuals along beta divided by their deviation, at the levels (i + 0.5) / 129; NaN if
  // there are no residuals.
  std::vector<double> residual_quantiles;  // [kProfileQuantiles], ascending
  double ks_distance = kNotANumber;        // of these residuals
  // Of the components that are tested for normality, ascending; component 0 is the one along beta.
  std::vector<int64_t> noise_components;   // 1 to head_dim - 1
  std::vector<double> noise_ks_distances;  // beside them; NaN: does not vary

  // Of the covariance of the queries' residuals around the line, divided by its trace, descending.
  // Empty if there are no residuals.
  std::vector<double> eigenvalues;  // [at most kMostEigenvalues]

  HeadPlane beta_plane;
  HeadPlane joint_plane;
  HeadPlane rope_plane;
  std::optional<int64_t> rope_pair;  // of rope_plane

  // Of the points of all planes. Never null; heads may share them.
  std::shared_ptr<const PointRows> query_rows;
  std::shared_ptr<const PointRows> key_rows;
};

}  // namespace qk
