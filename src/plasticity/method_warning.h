// Where a reported plasticity depends on the method.
#pragma once

#include <string>

#include "plasticity/method_result.h"

namespace qk {

// Without error bars a difference above this is worth a warning.
inline constexpr double kNoteworthyDifference = 0.05;

// Whether ap_overall differs from the other method's by more than its error, half the width of its
// interval, and the interval of the difference excludes 0. Without intervals: by more than
// kNoteworthyDifference.
bool depends_on_method(const MethodResult& result);

// "differs from counted by more than its error", or empty.
std::string method_warning(const MethodResult& result);

}  // namespace qk
