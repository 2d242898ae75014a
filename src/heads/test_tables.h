// Tables of the analysis vectors, for tests only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/test_vectors.h"
#include "heads/head_table.h"
#include "heads/row_sample.h"
#include "stats/test_numbers.h"

namespace qk {

inline HeadTable table_of(const nlohmann::json& json) {
  HeadTable table;
  table.positions = json["position"].get<std::vector<int64_t>>();
  table.buckets = json["bucket"].get<std::vector<int64_t>>();
  table.example_ids = json["example_id"].get<std::vector<int64_t>>();
  for (const nlohmann::json& row : json["vector"]) {
    table.head_dim = std::ssize(row);
    for (const nlohmann::json& x : row) table.vectors.push_back(x.get<float>());
  }
  return table;
}

// What a head's loading does to its tables: orients both, then takes the sampled rows.
inline void orient_and_sample(HeadTable& queries, HeadTable& keys, int64_t max_rows, int64_t seed,
                              std::vector<float>* signs_out = nullptr) {
  KeyOrientation orientation;
  for (int64_t row = 0; row < keys.num_rows(); ++row) {
    orientation.add(keys.buckets[static_cast<size_t>(row)], keys.vector(row));
  }
  const std::vector<float> signs = orientation.signs();
  if (signs_out != nullptr) *signs_out = signs;
  for (HeadTable* table : {&queries, &keys}) {
    const auto rows = sample_rows(table->num_rows(), max_rows, seed_words(seed));
    if (rows) *table = take_rows(*table, *rows);
    if (static_cast<int64_t>(signs.size()) == table->head_dim) orient(*table, signs);
  }
}

}  // namespace qk
