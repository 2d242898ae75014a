#include "base/range_text.h"

#include <cstddef>

namespace qk {

std::string ranges_text(const std::vector<int32_t>& ascending, std::string_view comma) {
  std::string out;
  for (size_t i = 0; i < ascending.size();) {
    size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!out.empty()) out += comma;
    out += std::to_string(ascending[i]);
    if (last > i) out += last > i + 1 ? "-" : comma;
    if (last > i) out += std::to_string(ascending[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace qk
