// Attention plasticity of all heads by query bucket (rows) and key bucket (columns).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/analysis_tables.h"
#include "report/figure_drawing.h"
#include "report/figure_positions.h"
#include "report/figure_tables.h"

namespace qk {

struct BucketMatrix {
  std::vector<int64_t> q_buckets;  // those that occur, increasing
  std::vector<int64_t> k_buckets;
  std::vector<double> values;  // [q_buckets, k_buckets]; NaN: no row, or k_bucket >= q_bucket
  // Of the middle head's pairs, in the same order; NaN: not known. Empty: of no cell.
  std::vector<double> documents{};
  // Of the pair with the fewest heads, and of that with the most.
  size_t fewest_heads = 0;
  size_t most_heads = 0;
};

// By the table of details if there is one, else by head_bucket_plasticity.csv. Throws Error: a table
// that is needed is not there, there is no such method, no head is left.
std::vector<BucketPairRow> heatmap_rows(const std::filesystem::path& csv,
                                        const AnalysisTables& tables, const std::string& method,
                                        const HeadFilter& filter);

// The rows of each (q_bucket, k_bucket) aggregated.
BucketMatrix bucket_matrix(std::span<const BucketPairRow> rows, Aggregate kind);

struct HeatmapOptions {
  BucketScale scale;
  Aggregate agg = Aggregate::kMean;  // how `matrix` was made, for the label
  std::string cmap = "magma";
  std::optional<double> vmin;  // ends of the colour scale; absent: of the values
  std::optional<double> vmax;
  std::string title = "Attention Plasticity by Bucket Pair";
  double min_documents = 5;  // cells of fewer are hatched
  std::string caption;       // begins it
};

// Throws Error: an unknown colour map, vmin above vmax, no bucket pair with k_bucket < q_bucket.
Figure heatmap_figure(const BucketMatrix& matrix, const HeatmapOptions& options);

}  // namespace qk
