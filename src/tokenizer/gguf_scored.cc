#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tokenizer/gguf_model_json.h"

namespace qk {
namespace {

using nlohmann::json;

struct ScoredMerge {
  size_t piece;       // id of the result
  size_t left_bytes;  // of the result that belong to the left part
};

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

bool is_one_character(std::string_view text) {
  return std::count_if(text.begin(), text.end(), starts_character) == 1;
}

// A part of a merge is a piece that a text may contain, or a character that is no piece.
enum class Part : uint8_t { kPiece, kUnknownCharacter, kNone };

Part part_kind(const GgufPieces& pieces, std::string_view text) {
  const auto found = pieces.ids.find(text);
  if (found == pieces.ids.end())
    return is_one_character(text) ? Part::kUnknownCharacter : Part::kNone;
  const bool usable =
      !pieces.cut_from_text(found->second) && pieces.type(found->second) != GgufPieceType::kByte;
  return usable ? Part::kPiece : Part::kNone;
}

// Every way in which the piece can be made of two.
void add_merges(const GgufPieces& pieces, size_t id, std::vector<ScoredMerge>* merges) {
  const std::string_view piece = pieces.vocabulary.tokens[id];
  for (size_t at = 1; at < piece.size(); ++at) {
    if (!starts_character(piece[at])) continue;
    const Part left = part_kind(pieces, piece.substr(0, at));
    const Part right = part_kind(pieces, piece.substr(at));
    if (left == Part::kNone || right == Part::kNone) continue;
    if (left == Part::kUnknownCharacter || right == Part::kUnknownCharacter) {
      fail(
          "{}: tokenizer.ggml.tokens: entry {}: expected each character of '{}' to be a piece too, "
          "found one that is not",
          pieces.vocabulary.file, id, printable(piece));
    }
    merges->push_back({id, at});
  }
}

void check_scores(const GgufVocabulary& vocabulary) {
  if (vocabulary.scores.size() != vocabulary.tokens.size()) {
    fail("{}: tokenizer.ggml.scores: expected {} entries as in tokenizer.ggml.tokens, found {}",
         vocabulary.file, vocabulary.tokens.size(), vocabulary.scores.size());
  }
  for (size_t id = 0; id < vocabulary.scores.size(); ++id) {
    if (!std::isfinite(vocabulary.scores[id])) {
      fail("{}: tokenizer.ggml.scores: entry {}: expected a finite number, found {}",
           vocabulary.file, id, vocabulary.scores[id]);
    }
  }
}

// Merges in the order of the scores of what they make, the highest first. All ways to make one
// piece share its score; among them the longer left part comes first, as in Hugging Face's
// converter.
json merges_json(const GgufPieces& pieces) {
  const GgufVocabulary& vocabulary = pieces.vocabulary;
  std::vector<ScoredMerge> merges;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!pieces.cut_from_text(id)) add_merges(pieces, id, &merges);
  }
  std::sort(merges.begin(), merges.end(), [&](const ScoredMerge& a, const ScoredMerge& b) {
    const float score_a = vocabulary.scores[a.piece];
    const float score_b = vocabulary.scores[b.piece];
    if (score_a != score_b) return score_a > score_b;
    if (a.piece != b.piece) return a.piece < b.piece;
    return a.left_bytes > b.left_bytes;
  });
  json out = json::array();
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto [id, left_bytes] = merges[i];
    const std::string& piece = vocabulary.tokens[id];
    if (i > 0 && merges[i - 1].piece != id &&
        vocabulary.scores[merges[i - 1].piece] == vocabulary.scores[id]) {
      fail(
          "{}: tokenizer.ggml.scores: expected distinct scores, as they give the order of merging, "
          "found {} for '{}' and for '{}'",
          vocabulary.file, vocabulary.scores[id], printable(vocabulary.tokens[merges[i - 1].piece]),
          printable(piece));
    }
    out.push_back(json::array({piece.substr(0, left_bytes), piece.substr(left_bytes)}));
  }
  return out;
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
  check_scores(vocabulary);
  check_byte_pieces(pieces);
  GgufModelJson parts;
  parts.normalizer = normalizer_json(vocabulary.add_space_prefix.value_or(true));
  parts.model = {{"type", "BPE"},
                 {"dropout", nullptr},
                 {"unk_token", nullptr},
                 {"continuing_subword_prefix", nullptr},
                 {"end_of_word_suffix", nullptr},
                 {"fuse_unk", false},
                 {"byte_fallback", true},
                 {"ignore_merges", false},
                 {"vocab", vocab_json(pieces)},
                 {"merges", merges_json(pieces)}};
  parts.adds_bos = true;
  parts.bos_token_id = vocabulary.bos_token_id.value_or(1);
  parts.eos_token_id = vocabulary.eos_token_id.value_or(2);
  return parts;
}

}  // namespace qk
