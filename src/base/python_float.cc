#include "base/python_float.h"

#include <fmt/core.h>

#include <cmath>

namespace qk {

std::string python_float_text(double value) {
  if (std::isnan(value)) return "nan";          // whatever its sign
  std::string text = fmt::format("{}", value);  // like repr, but "2" for 2.0
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace qk
