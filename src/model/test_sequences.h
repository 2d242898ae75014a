// For tests only: documents as token ids.
#pragma once

#include <cstdint>
#include <iterator>
#include <vector>

#include "model/forward.h"

namespace qk {

// Documents of these lengths, in tokens; the ids are below 97 and the same every time.
inline Sequences test_sequences(const std::vector<int64_t>& lengths) {
  Sequences out;
  out.offsets = {0};
  for (const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i) out.ids.push_back(static_cast<int32_t>(i * 37 % 97));
    out.offsets.push_back(std::ssize(out.ids));
    out.full_lengths.push_back(length);
  }
  return out;
}

}  // namespace qk
