// The data files of this folder.
#pragma once

#include "model/architecture.h"

namespace qk {

extern const Architecture kLlama;
extern const Architecture kMistral;
extern const Architecture kMinistral;
extern const Architecture kMinistral3;
extern const Architecture kQwen2;
extern const Architecture kQwen3;
extern const Architecture kGemma3;
extern const Architecture kGlm;
extern const Architecture kGlm4;
extern const Architecture kSmolLm3;
extern const Architecture kMllama;

}  // namespace qk
