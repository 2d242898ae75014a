// What a number is that nothing can be said about; an empty field of a table.
#pragma once

#include <limits>

namespace qk {

inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

}  // namespace qk
