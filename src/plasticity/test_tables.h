// Tables of the analysis vectors, for tests only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/test_vectors.h"
#include "plasticity/head_table.h"
#include "plasticity/row_sample.h"

namespace qk {

// The stream of the vectors: splitmix64, uniforms of 53 bits, sums of twelve.
class VectorStream {
 public:
  explicit VectorStream(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double gauss12() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum - 6;
  }

 private:
  uint64_t state_;
};

inline double number_of(const nlohmann::json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

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
