// Test vectors of tests/data, for tests only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/atomic_file.h"

namespace qk {

// The JSON file tests/data/<name>.
inline nlohmann::json load_vectors(const std::string& name) {
  return nlohmann::json::parse(read_file(std::string(QK_TEST_DATA) + "/" + name));
}

// What the vectors keep of a long list: the sum of (i + 1) * list[i] modulo 2^64, in decimal.
template <typename T>
std::string weighted_sum(const std::vector<T>& list) {
  uint64_t sum = 0;
  uint64_t weight = 0;
  for (const T& value : list) sum += ++weight * static_cast<uint64_t>(value);
  return std::to_string(sum);
}

inline uint64_t unsigned_of(const nlohmann::json& decimal) {
  return std::stoull(decimal.get<std::string>(), nullptr, 0);
}

inline int64_t signed_of(const nlohmann::json& decimal) {
  return std::stoll(decimal.get<std::string>());
}

}  // namespace qk
