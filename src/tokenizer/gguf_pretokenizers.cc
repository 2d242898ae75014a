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
    {.name = "stablelm2", .patterns = {kOneDigit}},
    {.name = "tekken", .patterns = {kCaseBoundaries}, .ignore_merges = true, .adds_bos = true},
};

// Other names that llama.cpp reads as one of those above.
struct Alias {
  std::string_view name;
  std::string_view means;
};
constexpr Alias kAliases[] = {
    {"a.x-4.0", "gpt-2"},
    {"codeshell", "smollm"},
    {"command-r", "smollm"},
    {"dbrx", "smaug-bpe"},
    {"deepseek-r1-qwen", "qwen2"},
    {"exaone", "smollm"},
    {"exaone4", "gpt-2"},
    {"f2llmv2", "qwen2"},
    {"falcon-h1", "llama-bpe"},
    {"falcon3", "llama-bpe"},
    {"gigachat", "gpt-2"},
    {"glm5", "glm4"},
    {"granite-docling", "gpt-2"},
    {"grok-2", "stablelm2"},
    {"hunyuan", "stablelm2"},
    {"jais", "gpt-2"},
    {"jina-de", "gpt-2"},
    {"jina-es", "gpt-2"},
    {"jina-v1-en", "gpt-2"},
    {"jina-v2-code", "gpt-2"},
    {"jina-v2-de", "gpt-2"},
    {"jina-v2-es", "gpt-2"},
    {"jina-v5-nano", "llama-bpe"},
    {"kormo", "qwen2"},
    {"lfm2", "llama-bpe"},
    {"llama-v3", "llama-bpe"},
    {"llama3", "llama-bpe"},
    {"megrez", "qwen2"},
    {"mellum", "gpt-2"},
    {"mellum2", "smollm"},
    {"midm-2.0", "llama-bpe"},
    {"minerva-7b", "smollm"},
    {"modern-bert", "gpt-2"},
    {"mpt", "gpt-2"},
    {"olmo", "gpt-2"},
    {"phi-2", "gpt-2"},
    {"pixtral", "llama-bpe"},
    {"refact", "smollm"},
    {"roberta-bpe", "gpt-2"},
    {"solar-open", "stablelm2"},
    {"starcoder", "smollm"},
    {"trillion", "gpt-2"},
};

}  // namespace

const GgufPretokenizer* find_gguf_pretokenizer(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.name == name) return find_gguf_pretokenizer(alias.means);
  }
  for (const GgufPretokenizer& known : kPretokenizers) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

std::string_view gguf_pretokenizer_names() {
  return "default, gpt-2, smollm, llama-bpe, smaug-bpe, chatglm-bpe, glm4, qwen2, stablelm2, "
         "tekken";
}

}  // namespace qk
