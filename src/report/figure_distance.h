// Attention plasticity over the distance between query and key: a thin line for each head, a bold one
// for their mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/detail_tables.h"
#include "report/figure_drawing.h"
#include "report/figure_plasticity.h"
#include "report/figure_positions.h"

namespace qk {

// "Buckets" of these curves are differences of buckets: q_bucket - k_bucket.
struct DistanceData {
  std::vector<HeadCurve> heads;
  std::vector<TableCurve> means;        // the first one is the main one; at least one
  std::map<int64_t, double> documents;  // by difference of buckets
  std::map<int64_t, double> centers;    // tokens; of every difference that occurs
  std::string caption;
};

struct DistanceOptions {
  BucketScale scale;
  std::optional<double> alpha;  // as of plasticity_figure
  double line_width = 0.8;      // points
  std::string model_name;
  double min_documents = 5;
  double confidence = 0;
};

// Over tokens if buckets are equally wide, or have bounds of their own; over differences of buckets if
// each bucket doubles the position, or if positions are not known.
Figure distance_figure(const DistanceData& data, const DistanceOptions& options);

}  // namespace qk
