// Small random heads, for tests only.
#pragma once

#include <cstdint>
#include <random>

#include "heads/head_table.h"

namespace qk {

struct TestHeadShape {
  int64_t documents = 12;
  int64_t buckets = 4;
  int64_t width = 16;  // positions of a bucket
  int64_t dim = 5;
  int64_t most_rows = 6;           // of a document in a bucket, at least 2
  double drift = 0.02;             // of the first component, a token
  int64_t rare_after = 1'000'000;  // from this bucket on only the first two documents have rows
};

inline HeadTable random_table(const TestHeadShape& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  HeadTable out;
  out.head_dim = shape.dim;
  for (int64_t document = 0; document < shape.documents; ++document) {
    const double typical = normal(engine);
    for (int64_t bucket = 0; bucket < shape.buckets; ++bucket) {
      if (bucket >= shape.rare_after && document >= 2) continue;
      const int64_t rows = 2 + static_cast<int64_t>(engine()) % (shape.most_rows - 1);
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t position =
            bucket * shape.width + static_cast<int64_t>(engine()) % shape.width;
        out.positions.push_back(position);
        out.buckets.push_back(bucket);
        out.example_ids.push_back(100 + 7 * document);
        double before = 0;  // components are correlated
        for (int64_t j = 0; j < shape.dim; ++j) {
          before = 0.6 * before + normal(engine) + 0.5 * typical;
          const double drift = j == 0 ? shape.drift * static_cast<double>(position) : 0.0;
          out.vectors.push_back(static_cast<float>(before + drift));
        }
      }
    }
  }
  return out;
}

}  // namespace qk
