// A head with its bootstrap replicates, for tests only.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "heads/document_index.h"
#include "plasticity/head_seeds.h"
#include "plasticity/method_replicates.h"
#include "plasticity/query_noise.h"
#include "plasticity/test_heads.h"

namespace qk {

inline MeasureOptions options_of(const char* method, bool reference = false,
                                 Covariance covariance = Covariance::kDiagonal) {
  MeasureOptions out;
  out.methods = {method};
  out.compat_reference = reference;
  out.covariance = covariance;
  return out;
}

struct ReplicatedHead {
  ReplicatedHead(const MeasureOptions& measure_options, HeadTable query_table, HeadTable key_table,
                 int64_t width = 16)
      : options(measure_options),
        queries(std::move(query_table)),
        keys(std::move(key_table)),
        groups(keys),
        ranges(BucketRanges::uniform(width)),
        fit(fit_queries(queries, options.compat_reference)),
        documents(index_documents(queries, keys)),
        counts(documents.num_documents(), 20, 5) {
    for (int64_t j = 0; j < queries.head_dim - 1 && j < 3; ++j) noise_dims.push_back(j);
    noise = {.compat_reference = options.compat_reference, .p_alpha = 0.3, .ks_dims = noise_dims};
    measured = measure_noise(queries, fit, noise);
  }
  explicit ReplicatedHead(const MeasureOptions& measure_options, const TestHeadShape& shape = {})
      : ReplicatedHead(measure_options, random_table(shape, 1), random_table(shape, 2),
                       shape.width) {}
  ReplicatedHead(const ReplicatedHead&) = delete;  // members refer to each other
  ReplicatedHead& operator=(const ReplicatedHead&) = delete;

  PlasticityInput input() const {
    return {options, queries, keys, groups, fit, ranges, key_pairs_seed(options, 0, 0), &documents};
  }
  // The queries of a replicate, row by row.
  HeadTable repeated(int64_t replicate) const {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < queries.num_rows(); ++row) {
      const double times = counts.at(replicate, documents.of_query[static_cast<size_t>(row)]);
      rows.insert(rows.end(), static_cast<size_t>(times), row);
    }
    return take_rows(queries, rows);
  }
  // How often a replicate has the document of a pair.
  double times(int64_t replicate, const KeyPair& pair) const {
    return counts.at(replicate, documents.of_key[static_cast<size_t>(pair.first)]);
  }

  MeasureOptions options;
  HeadTable queries;
  HeadTable keys;
  KeyGroups groups;
  BucketRanges ranges;
  QueryFit fit;
  DocumentIndex documents;
  ResampleCounts counts;
  std::vector<int64_t> noise_dims;
  NoiseOptions noise;
  QueryNoise measured;  // of the sample
};

}  // namespace qk
