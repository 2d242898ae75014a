// All architectures that this program runs, each proven against its reference. A new one is a data
// file beside this one and a line in registry.cc.
#pragma once

#include <span>

#include "model/architecture.h"

namespace qk {

std::span<const Architecture* const> registry();

}  // namespace qk
