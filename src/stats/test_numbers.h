// Numbers of the analysis vectors, for tests only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

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

}  // namespace qk
