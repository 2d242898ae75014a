// Which query head of a model, and the key head that it shares with its group.
#pragma once

#include <compare>
#include <cstdint>

namespace qk {

struct HeadId {
  int64_t layer = 0;
  int64_t q_head = 0;
  int64_t k_head = 0;
  auto operator<=>(const HeadId&) const = default;
};

}  // namespace qk
