#include <unordered_set>

#include "base/error.h"
#include "tokenizer/gguf_model_json.h"
#include "tokenizer/gguf_pretokenizers.h"

namespace qk {
namespace {

using nlohmann::json;

const GgufPretokenizer& pretokenizer_of(const GgufVocabulary& vocabulary) {
  if (vocabulary.pre.empty()) {
    fail(
        "{}: tokenizer.ggml.pre: expected one of {}, found none: which text the pieces may span is "
        "not known; {}",
        vocabulary.file, gguf_pretokenizer_names(), kNameAnother);
  }
  const GgufPretokenizer* found = find_gguf_pretokenizer(vocabulary.pre);
  if (found == nullptr) {
    fail(
        "{}: tokenizer.ggml.pre: expected one of {}, or a name that llama.cpp reads as one of "
        "them, found {}; {}",
        vocabulary.file, gguf_pretokenizer_names(), printable(vocabulary.pre), kNameAnother);
  }
  return *found;
}

json pre_tokenizer_json(const GgufPretokenizer& rule) {
  json steps = json::array();
  if (rule.individual_digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  for (const std::string_view pattern : rule.patterns) {
    if (pattern.empty()) continue;
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

// A merge is "left right", split at the first space that is not its first byte.
json merge_json(const GgufPieces& pieces, size_t index) {
  const std::string& file = pieces.vocabulary.file;
  const std::string& merge = pieces.vocabulary.merges[index];
  const size_t space = merge.find(' ', 1);
  if (space == std::string::npos) {
    fail(
        "{}: tokenizer.ggml.merges: entry {}: expected two pieces with a space between, found '{}'",
        file, index, printable(merge));
  }
  const std::string left = merge.substr(0, space);
  const std::string right = merge.substr(space + 1);
  for (const std::string& piece : {left, right, left + right}) {
    if (!pieces.ids.contains(piece)) {
      fail(
          "{}: tokenizer.ggml.merges: entry {}: expected pieces of tokenizer.ggml.tokens, found "
          "'{}'",
          file, index, printable(piece));
    }
  }
  return json::array({left, right});
}

// If a merge occurs twice, its first rank counts.
json merges_json(const GgufPieces& pieces) {
  const auto& merges = pieces.vocabulary.merges;
  std::unordered_set<std::string_view> seen;
  json out = json::array();
  for (size_t i = 0; i < merges.size(); ++i) {
    json merge = merge_json(pieces, i);
    if (seen.insert(merges[i]).second) out.push_back(std::move(merge));
  }
  return out;
}

json vocab_json(const GgufPieces& pieces) {
  json vocab = json::object();
  for (const auto& [piece, id] : pieces.ids) vocab[std::string(piece)] = id;
  return vocab;
}

}  // namespace

GgufModelJson byte_level_json(const GgufPieces& pieces) {
  const GgufVocabulary& vocabulary = pieces.vocabulary;
  const GgufPretokenizer& rule = pretokenizer_of(vocabulary);
  if (vocabulary.merges.empty()) {
    fail("{}: tokenizer.ggml.merges: expected the merges of a gpt2 vocabulary, found none",
         vocabulary.file);
  }
  GgufModelJson parts;
  if (rule.normal_form_c) parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer = pre_tokenizer_json(rule);
  parts.model = {{"type", "BPE"},
                 {"dropout", nullptr},
                 {"unk_token", nullptr},
                 {"continuing_subword_prefix", nullptr},
                 {"end_of_word_suffix", nullptr},
                 {"fuse_unk", false},
                 {"byte_fallback", false},
                 {"ignore_merges", rule.ignore_merges},
                 {"vocab", vocab_json(pieces)},
                 {"merges", merges_json(pieces)}};
  parts.adds_bos = rule.adds_bos;
  parts.bos_token_id = vocabulary.bos_token_id;
  parts.eos_token_id = vocabulary.eos_token_id;
  return parts;
}

}  // namespace qk
