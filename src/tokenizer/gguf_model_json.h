// The parts of a tokenizer.json that depend on the kind of GGUF vocabulary. Internal to tokenizer/.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

#include "tokenizer/tokenizer.h"

namespace qk {

// How messages say what helps where a vocabulary cannot be used.
inline constexpr std::string_view kNameAnother =
    "name a folder or Hub id that holds the model's tokenizer.json in tokenizer.name";

enum class GgufPieceType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

// A vocabulary whose pieces are known to be UTF-8 and distinct, and whose arrays have one length.
struct GgufPieces {
  const GgufVocabulary& vocabulary;
  std::unordered_map<std::string_view, size_t> ids;

  GgufPieceType type(size_t id) const;
};

struct GgufModelJson {
  nlohmann::json normalizer;  // null if there is none
  nlohmann::json pre_tokenizer;
  nlohmann::json model;
  bool is_scored = false;  // model is not one of Hugging Face's, see tokenizers_c.h
  bool adds_bos = false;   // if the file does not say
  std::optional<int64_t> bos_token_id, eos_token_id;
};

// tokenizer.ggml.model "gpt2": byte-level BPE, merges by rank.
GgufModelJson byte_level_json(const GgufPieces& pieces);
// tokenizer.ggml.model "llama": pieces with ▁ for a space, merges by score, bytes for the rest.
GgufModelJson scored_json(const GgufPieces& pieces);

}  // namespace qk
