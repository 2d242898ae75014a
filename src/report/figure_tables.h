// The tables that figures are drawn from: head_bucket_plasticity.csv and
// head_component_weights.csv, of `qkscope analyze` or of the original tool. Rows without a value
// (NaN) are left out.
//
// All readers throw Error: the file is not a CSV table, columns are missing, no row has a value, a
// value is infinite, a number of a layer, head, bucket or component is not an integer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "heads/head_id.h"
#include "report/head_filter.h"

namespace qk {

struct HeadBucketRow {
  HeadId head;
  int64_t q_bucket = 0;
  double plasticity = 0;
};
// Columns layer, q_head, k_head, ap_bucket, and q_bucket and k_bucket, or, of older files, bucket.
std::vector<HeadBucketRow> read_head_bucket_rows(const std::filesystem::path& path);

// Throws Error if the table has not the columns that these two readers need.
void check_bucket_table(const std::filesystem::path& path);

struct BucketPairRow {
  int64_t q_bucket = 0;
  int64_t k_bucket = 0;
  double plasticity = 0;
  std::optional<double> documents{};  // of the pairs, if known
};
// Columns q_bucket, k_bucket, ap_bucket; with a filter that is not open, also those of the head.
std::vector<BucketPairRow> read_bucket_pair_rows(const std::filesystem::path& path,
                                                 const HeadFilter& filter = {});

struct ComponentRow {
  int64_t component = 0;
  double weight = 0;
};
// Columns component, component_weight; with a filter that is not open, also those of the head.
std::vector<ComponentRow> read_component_rows(const std::filesystem::path& path,
                                              const HeadFilter& filter = {});

enum class Aggregate : uint8_t { kMean, kMedian };

// Of at least one value; the median of an even number is the mean of the middle two.
double aggregate(std::vector<double> values, Aggregate kind);

}  // namespace qk
