// The vocabulary that a GGUF model carries.
#pragma once

#include "formats/gguf.h"
#include "tokenizer/tokenizer.h"

namespace qk {

// The tokenizer.ggml.* keys. Throws Error naming the file and the key if one that every vocabulary
// has (model, tokens) is missing, or if one has another type; what they mean is checked by
// Tokenizer::from_gguf.
GgufVocabulary gguf_vocabulary(const GgufFile& file);

}  // namespace qk
