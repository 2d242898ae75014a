// Variables of the environment that libraries below torch read by themselves and that change bits.
#pragma once

#include <string>

namespace qk_torch {

// Throws Failure for those that break a promise: rounding to other types, or kernels chosen by a race.
void refuse_environment(bool on_host);

// Those that are set, "NAME=value NAME=value"; empty if none is.
std::string environment_of_bits(bool on_host);

}  // namespace qk_torch
