#include "tokenizer/gguf_pretokenizers.h"

namespace qk {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kThreeDigits =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kOneDigit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kCaseBoundaries =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPunctuation = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr std::string_view kNumbers = R"(\p{N}+)";
constexpr std::string_view kDigitTriples = "[0-9][0-9][0-9]";

constexpr GgufPretokenizer kPretokenizers[] = {
    {.name = "default", .patterns = {kPunctuation, kGpt2, kNumbers, kDigitTriples}},
    {.name = "gpt-2", .patterns = {kGpt2}},
    {.name = "smollm", .patterns = {kGpt2}, .individual_digits = true},
    {.name = "llama-bpe", .patterns = {kThreeDigits}, .ignore_merges = true, .adds_bos = true},
    {.name = "smaug-bpe", .patterns = {kThreeDigits}},
    {.name = "chatglm-bpe", .patterns = {kThreeDigits}},
    {.name = "glm4", .patterns = {kThreeDigits}, .ignore_merges = true},
    {.name = "qwen2", .patterns = {kOneDigit}, .normal_form_c = true},
    {.name = "tekken", .patterns = {kCaseBoundaries}, .ignore_merges = true, .adds_bos = true},
};

}  // namespace

const GgufPretokenizer* find_gguf_pretokenizer(std::string_view name) {
  for (const GgufPretokenizer& known : kPretokenizers) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

std::string_view gguf_pretokenizer_names() {
  return "default, gpt-2, smollm, llama-bpe, smaug-bpe, chatglm-bpe, glm4, qwen2, tekken";
}

}  // namespace qk
