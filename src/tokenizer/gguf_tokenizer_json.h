// A GGUF vocabulary written as the text of a tokenizer.json.
#pragma once

#include <string>

#include "tokenizer/tokenizer.h"

namespace qk {

// What the vocabulary says and nothing more: two equal vocabularies give the same text. Throws
// Error "file: key: expected ..., found ..." for a vocabulary that breaks a rule of its own or that
// a tokenizer.json cannot express.
std::string gguf_tokenizer_json(const GgufVocabulary& vocabulary);

}  // namespace qk
