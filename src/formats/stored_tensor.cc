#include "formats/stored_tensor.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace qk {

std::string shape_text(std::span<const int64_t> shape) {
  constexpr size_t kShown = 6;
  const auto shown = shape.first(std::min(shape.size(), kShown));
  return fmt::format("[{}{}]", fmt::join(shown, ", "), shape.size() > kShown ? ", ..." : "");
}

}  // namespace qk
