// Doubles as Python writes them.
#pragma once

#include <string>

namespace qk {

// Python's repr of a float: the shortest digits that read back as the same double; exponent form
// below 1e-4 and from 1e16 on ("1.5", "2.0", "1e+16", "1e-05", "nan", "inf", "-0.0").
std::string python_float_text(double value);

}  // namespace qk
