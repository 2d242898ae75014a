// Places of rows in a list of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"

namespace qk {

// The index of each of `wanted` in `present`. REQUIRES: both ascend; all of `wanted` are present.
inline std::vector<int32_t> row_places(std::span<const int32_t> wanted,
                                       std::span<const int32_t> present) {
  std::vector<int32_t> places;
  places.reserve(wanted.size());
  auto found = present.begin();
  for (const int32_t row : wanted) {
    found = std::lower_bound(found, present.end(), row);
    QK_CHECK(found != present.end() && *found == row);
    places.push_back(static_cast<int32_t>(found - present.begin()));
  }
  return places;
}

}  // namespace qk
