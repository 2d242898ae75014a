// Text to token ids with Hugging Face's own `tokenizers`, from a tokenizer.json or the vocabulary
// of a GGUF file. Threads: a const Tokenizer may be used from many.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// The tokenizer.ggml.* keys of a GGUF file (docs/decisions/0005-tokenizer.md, "GGUF vocabularies").
struct GgufVocabulary {
  std::string file;   // for messages
  std::string model;  // "gpt2" (byte-level BPE) or "llama" (SentencePiece-like)
  std::string pre;    // tokenizer.ggml.pre; empty if absent
  std::vector<std::string> tokens;
  std::vector<float> scores;  // "llama" only
  // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
  std::vector<int32_t> token_types;
  std::vector<std::string> merges;  // "gpt2" only
  std::optional<int64_t> bos_token_id, eos_token_id, unknown_token_id;
  std::optional<bool> add_bos_token, add_eos_token, add_space_prefix;
};

struct Encoding {
  std::vector<int32_t> ids;
  bool truncated = false;  // the text has more ids than max_length allows
};

class Tokenizer {
 public:
  // `folder` holds tokenizer.json, and perhaps tokenizer_config.json, of which only truncation_side
  // and tokens that tokenizer.json lacks are used: see appended_tokens.h (as in transformers 5, its
  // add_bos_token and add_eos_token do not change the ids). Throws Error naming the file if it
  // is missing or `tokenizers` refuses it.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  // The truncation and padding that are stored in a tokenizer.json are not applied, its direction
  // of truncation is (as transformers does).
  static Tokenizer from_file(const std::filesystem::path& tokenizer_json);
  // The ids of llama.cpp, or the model's own where llama.cpp is known to differ from them (see
  // tokenizer/gguf_pretokenizers.h). Throws Error for what cannot be represented.
  static Tokenizer from_gguf(const GgufVocabulary& vocabulary);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ids of the text, special tokens added as the tokenizer does by default and counted towards
  // max_length; longer texts lose their tail (their head, if that is the tokenizer's direction of
  // truncation). Throws Error: text is not UTF-8 (byte offset named), max_length is smaller than
  // the number of special tokens, or the tokenizer itself fails. REQUIRES: max_length > 0.
  Encoding encode(std::string_view text, int64_t max_length) const;

  // The vocabulary piece of an id in its raw form (byte-level or SentencePiece marks kept).
  // Throws Error if the id is not in the vocabulary.
  std::string token(int32_t id) const;

  // Number of ids, added tokens included: 1 + the largest id.
  int64_t vocab_size() const;

  // SHA-256, as hex, of the tokenizer.json text, as it was read or as it was built from the GGUF
  // vocabulary: equal texts give equal ids.
  const std::string& identity() const;

 private:
  struct Handle;
  explicit Tokenizer(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace qk
