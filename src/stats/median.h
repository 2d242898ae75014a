// The middle of a few numbers.
#pragma once

#include <vector>

namespace qk {

// Mean of the two middle ones if their number is even; NaN if there is none, or one that is NaN.
double median(std::vector<double> values);

}  // namespace qk
