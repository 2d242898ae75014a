// A GGUF vocabulary written as the text of a tokenizer.json. Internal to tokenizer/.
#pragma once

#include <string>

#include "tokenizer/tokenizer.h"

namespace qk {

struct GgufTokenizerJson {
  std::string text;
  bool is_scored = false;  // its model is the scored one of tokenizers_c.h
};

// What the vocabulary says and nothing more: equal vocabularies give the same text.
// Throws Error "file: key: expected ..., found ..." for a vocabulary that breaks a rule of its own
// or that no tokenizer can be made of.
GgufTokenizerJson gguf_tokenizer_json(const GgufVocabulary& vocabulary);

}  // namespace qk
