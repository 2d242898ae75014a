// The keys of a GGUF file below "<architecture>." that the configuration does not come from.
#pragma once

#include <nlohmann/json.hpp>

#include "model/architecture.h"
#include "model/gguf_keys.h"

namespace qk {

// config: what gguf_decoder_config made of the keys that it reads.
// Throws Error for a key that would change queries or keys and is not read: one of another
// architecture of llama.cpp whose value is not neutral, any unknown one below "rope." or
// "attention.", and an unknown one elsewhere whose name speaks of the computation. Other unknown
// keys are passed over.
void refuse_other_keys(const GgufKeys& keys, const Architecture& architecture,
                       const nlohmann::json& config);

}  // namespace qk
