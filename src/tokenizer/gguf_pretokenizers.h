// The names that tokenizer.ggml.pre may have, and what each means. GGUF files name the rule that
// splits a text into words, they do not hold it.
#pragma once

#include <array>
#include <string_view>

namespace qk {

// The rules are those of the models' own tokenizer.json. llama.cpp approximates two of them, so its
// ids may differ from ours (and from the model's own) for: an apostrophe followed by ſ (U+017F)
// under the contraction rule; under `tekken` letters outside a-z and A-Z and combining marks; under
// `qwen2` text that is not in Unicode normal form C.
struct GgufPretokenizer {
  std::string_view name;
  std::array<std::string_view, 4> patterns;  // applied one after the other; empty ones are not used
  bool individual_digits = false;            // first of all, each numeric character becomes a word
  bool normal_form_c = false;
  bool ignore_merges = false;  // a word that is a piece is not split further
  bool adds_bos = false;       // if the file does not say
};

// Null if the name is not known. Other names of llama.cpp's for the same rule are known too.
const GgufPretokenizer* find_gguf_pretokenizer(std::string_view name);

// The name of each rule, separated by commas, for messages.
std::string_view gguf_pretokenizer_names();

}  // namespace qk
