// Which components of a head's vectors rotate together with position, and how fast, by the
// dataset's record (docs/dataset-format.md, "Footer keys").
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace qk {

struct HeadRope {
  struct Pair {
    int64_t pair = 0;  // its number among the frequencies of the set
    int64_t first_component = 0;
    int64_t second_component = 0;
    double inv_freq = 0;  // radians per token, above 0
  };
  std::optional<int64_t> rope_set;  // none: the layer has no RoPE
  std::vector<Pair> pairs;
  std::vector<int64_t> unrotated;  // components, ascending
  bool is_rotated = false;         // the vectors are known to be those after the rotation
};

struct RopeRecord {
  struct Set {
    int64_t rotary_dim = 0;
    std::vector<double> inv_freq;  // [rotary_dim / 2]
  };
  bool halves = true;  // component i rotates with i + rotary_dim / 2; else 2 i with 2 i + 1
  std::vector<Set> sets;
  std::vector<std::optional<int64_t>> set_of_layer;
  // Why nothing is known, in a few words; empty if it is.
  std::string fault = "the dataset does not record its RoPE";
  bool is_odd = false;  // RoPE is recorded, but not as the format says

  // None if nothing is known of the layer, or vectors of this length cannot be its.
  std::optional<HeadRope> of(int64_t layer, int64_t head_dim, bool is_rotated) const;
};

// From the object `qkscope.geometry`.
RopeRecord parse_rope(const nlohmann::json& geometry);

}  // namespace qk
