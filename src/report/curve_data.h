// What the figures of curves show, gathered from the tables of an analysis: curves of heads, their
// mean with its interval, documents.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/analysis_tables.h"
#include "report/figure_distance.h"
#include "report/figure_plasticity.h"
#include "report/head_filter.h"

namespace qk {

struct CurveChoice {
  HeadFilter filter;
  std::string method;                // empty: the analysis's first
  std::vector<std::string> methods;  // not empty: only their means, {"all"}: of all
  double min_documents = 5;
  std::optional<double> max_distance;   // tokens, between the middles of buckets
  std::optional<double> position_from;  // only query buckets within these positions
  std::optional<double> position_to;
  std::string reach = "all";         // or "none", or a bucket
  std::optional<std::string> trend;  // position, distance or curve: trends by error bars
};

struct PlasticityData {
  std::vector<HeadCurve> heads;
  PlasticityDetails details;
};

// `csv` is head_bucket_plasticity.csv or head_bucket_details.csv. Throws Error: a table that is needed
// is not there, it does not hold what was asked for.
PlasticityData plasticity_data(const std::filesystem::path& csv, const AnalysisTables& tables,
                               const BucketScale& scale, const CurveChoice& choice);

// `csv` is head_bucket_details.csv. Throws Error likewise.
DistanceData distance_data(const std::filesystem::path& csv, const AnalysisTables& tables,
                           const BucketScale& scale, const CurveChoice& choice);

// Bounds of the buckets, of queries and keys, by the first of the tables that has them; empty: none
// does.
std::map<int64_t, BucketBounds> bucket_bounds(const AnalysisTables& tables);

// The methods of an analysis, its first one first; empty: not known.
std::vector<std::string> known_methods(const AnalysisTables& tables);

// The method asked for, or the first of those known. Throws Error: it is not among them.
std::string chosen_method(const std::string& asked, const std::vector<std::string>& known);

}  // namespace qk
