#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tokenizer/gguf_model_json.h"

namespace qk {
namespace {

using nlohmann::json;

void check_scores(const GgufPieces& pieces) {
  const GgufVocabulary& vocabulary = pieces.vocabulary;
  const auto& scores = vocabulary.scores;
  if (scores.size() != vocabulary.tokens.size()) {
    fail("{}: tokenizer.ggml.scores: expected {} entries as in tokenizer.ggml.tokens, found {}",
         vocabulary.file, vocabulary.tokens.size(), scores.size());
  }
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id])) {
      fail("{}: tokenizer.ggml.scores: entry {}: expected a finite number, found {}",
           vocabulary.file, id, scores[id]);
    }
  }
  // Some converters have no scores at hand and write one number for all of them.
  if (std::equal(scores.begin() + 1, scores.end(), scores.begin())) {
    fail("{}: tokenizer.ggml.scores: expected the order of merging, found {} for every piece",
         vocabulary.file, scores.front());
  }
}

void check_byte_pieces(const GgufPieces& pieces) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string piece = fmt::format("<0x{:02X}>", byte);
    if (!pieces.ids.contains(piece)) {
      fail("{}: tokenizer.ggml.tokens: expected a piece for every byte, found no {}",
           pieces.vocabulary.file, piece);
    }
  }
}

json normalizer_json(bool add_space_prefix) {
  json steps = json::array();
  if (add_space_prefix) steps.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}});
  return {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
}

}  // namespace

GgufModelJson scored_json(const GgufPieces& pieces) {
  const GgufVocabulary& vocabulary = pieces.vocabulary;
  check_scores(pieces);
  check_byte_pieces(pieces);
  GgufModelJson parts;
  parts.normalizer = normalizer_json(vocabulary.add_space_prefix.value_or(true));
  parts.model = {{"pieces", vocabulary.tokens}, {"scores", vocabulary.scores}};
  parts.is_scored = true;
  parts.adds_bos = true;
  parts.bos_token_id = vocabulary.bos_token_id.value_or(1);
  parts.eos_token_id = vocabulary.eos_token_id.value_or(2);
  return parts;
}

}  // namespace qk
