#include "tokenizer/gguf_tokenizer_json.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/gguf_model_json.h"

namespace qk {
namespace {

using nlohmann::json;

GgufPieces checked_pieces(const GgufVocabulary& vocabulary) {
  const auto& tokens = vocabulary.tokens;
  if (tokens.empty()) {
    fail("{}: tokenizer.ggml.tokens: expected pieces, found none", vocabulary.file);
  }
  const auto& types = vocabulary.token_types;
  if (!types.empty() && types.size() != tokens.size()) {
    fail("{}: tokenizer.ggml.token_type: expected {} entries as in tokenizer.ggml.tokens, found {}",
         vocabulary.file, tokens.size(), types.size());
  }
  for (size_t id = 0; id < types.size(); ++id) {
    if (types[id] < 1 || types[id] > 6) {
      fail("{}: tokenizer.ggml.token_type: entry {}: expected 1 to 6, found {}", vocabulary.file,
           id, types[id]);
    }
  }
  GgufPieces pieces{vocabulary, {}};
  pieces.ids.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (first_invalid_utf8(tokens[id])) {
      fail("{}: tokenizer.ggml.tokens: entry {}: expected UTF-8, found '{}'", vocabulary.file, id,
           printable(tokens[id]));
    }
    const auto [other, is_new] = pieces.ids.emplace(tokens[id], id);
    if (!is_new) {
      fail("{}: tokenizer.ggml.tokens: expected distinct pieces, found '{}' as entry {} and {}",
           vocabulary.file, printable(tokens[id]), other->second, id);
    }
  }
  return pieces;
}

GgufModelJson model_json(const GgufPieces& pieces) {
  const std::string& model = pieces.vocabulary.model;
  if (model == "gpt2") return byte_level_json(pieces);
  if (model == "llama") return scored_json(pieces);
  fail("{}: tokenizer.ggml.model: expected gpt2 or llama, found {}; {}", pieces.vocabulary.file,
       printable(model), kNameAnother);
}

// Pieces that llama.cpp finds as a whole although the file calls them normal: it takes their type
// for a fault of the file.
constexpr std::string_view kControlTexts[] = {
    // ends
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
    // parts of gpt-oss's dialogues
    "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>",
    // gaps to fill in code
    "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
    "<|code_prefix|>", "<|prefix|>", "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",
    "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>", "<|fim_middle|>",
    "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>",
    "<|middle|>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>",
    "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>"};

// Pieces that are found as a whole in the text before anything else is done with it.
json added_tokens_json(const GgufPieces& pieces) {
  json added = json::array();
  // llama.cpp has <mask> take the white space before it with these.
  const bool mask_strips = pieces.vocabulary.pre.starts_with("jina-v2-");
  for (size_t id = 0; id < pieces.vocabulary.tokens.size(); ++id) {
    const GgufPieceType type = pieces.type(id);
    if (type != GgufPieceType::kUnknown && type != GgufPieceType::kControl &&
        type != GgufPieceType::kUserDefined &&
        std::ranges::find(kControlTexts, pieces.vocabulary.tokens[id]) == std::end(kControlTexts)) {
      continue;
    }
    added.push_back({{"id", id},
                     {"content", pieces.vocabulary.tokens[id]},
                     {"single_word", false},
                     {"lstrip", mask_strips && pieces.vocabulary.tokens[id] == "<mask>"},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type != GgufPieceType::kUserDefined}});
  }
  return added;
}

void check_id(const GgufVocabulary& vocabulary, std::string_view key, std::optional<int64_t> id) {
  if (id && (*id < 0 || *id >= static_cast<int64_t>(vocabulary.tokens.size()))) {
    fail("{}: tokenizer.ggml.{}: expected an id below {}, found {}", vocabulary.file, key,
         vocabulary.tokens.size(), *id);
  }
}

// One special token of the template: its place, and its definition.
void add_special(json* sequence, json* definitions, const GgufVocabulary& vocabulary,
                 std::string_view name, std::optional<int64_t> id) {
  if (!id) {
    fail(
        "{}: tokenizer.ggml.{}_token_id: expected an id, as the token is added to every text, "
        "found "
        "none",
        vocabulary.file, name);
  }
  check_id(vocabulary, fmt::format("{}_token_id", name), id);
  const std::string& token = vocabulary.tokens[static_cast<size_t>(*id)];
  sequence->push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
  (*definitions)[token] = {
      {"id", token}, {"ids", json::array({*id})}, {"tokens", json::array({token})}};
}

// A template with what is added before and after the text; null if nothing is.
json post_processor_json(const GgufVocabulary& vocabulary, const GgufModelJson& model) {
  const bool adds_bos = vocabulary.add_bos_token.value_or(model.adds_bos);
  const bool adds_eos = vocabulary.add_eos_token.value_or(false);
  if (!adds_bos && !adds_eos) return nullptr;
  json single = json::array();
  json definitions = json::object();
  if (adds_bos) add_special(&single, &definitions, vocabulary, "bos", model.bos_token_id);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (adds_eos) add_special(&single, &definitions, vocabulary, "eos", model.eos_token_id);
  json pair = single;  // required by the format; we encode single texts only
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(definitions)}};
}

}  // namespace

GgufPieceType GgufPieces::type(size_t id) const {
  const auto& types = vocabulary.token_types;
  return types.empty() ? GgufPieceType::kNormal : static_cast<GgufPieceType>(types[id]);
}

GgufTokenizerJson gguf_tokenizer_json(const GgufVocabulary& vocabulary) {
  const GgufPieces pieces = checked_pieces(vocabulary);
  check_id(vocabulary, "bos_token_id", vocabulary.bos_token_id);
  check_id(vocabulary, "eos_token_id", vocabulary.eos_token_id);
  check_id(vocabulary, "unknown_token_id", vocabulary.unknown_token_id);
  GgufModelJson model = model_json(pieces);
  json post_processor = post_processor_json(vocabulary, model);
  const json tokenizer = {{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", added_tokens_json(pieces)},
                          {"normalizer", std::move(model.normalizer)},
                          {"pre_tokenizer", std::move(model.pre_tokenizer)},
                          {"post_processor", std::move(post_processor)},
                          {"decoder", nullptr},
                          {"model", std::move(model.model)}};
  return {tokenizer.dump(), model.is_scored};
}

}  // namespace qk
