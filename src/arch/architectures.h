// The data files of this folder.
#pragma once

#include "model/architecture.h"

namespace qk {

extern const Architecture kLlama;

}  // namespace qk
