#include "base/range_text.h"

#include <cstddef>

namespace qk {

std::string ranges_text(const std::vector<int32_t>& ascending) {
  std::string out;
  for (size_t i = 0; i < ascending.size();) {
    size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!out.empty()) out += ", ";
    out += std::to_string(ascending[i]);
    if (last > i) out += (last > i + 1 ? "-" : ", ") + std::to_string(ascending[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace qk
