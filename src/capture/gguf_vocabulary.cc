#include "capture/gguf_vocabulary.h"

#include <limits>

#include "base/error.h"

namespace qk {
namespace {

template <typename T>
T required(std::optional<T> value, const GgufFile& file, std::string_view key) {
  if (!value) {
    fail("{}: {}: is missing, so that the file has no tokenizer; name one in tokenizer.name",
         file.path().string(), key);
  }
  return *std::move(value);
}

std::vector<std::string> texts(const GgufFile& file, std::string_view key) {
  const std::vector<std::string>* found = file.strings(key);
  return found != nullptr ? *found : std::vector<std::string>();
}

std::vector<int32_t> token_types(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  std::vector<int32_t> out;
  for (const int64_t type : file.integers(kKey).value_or(std::vector<int64_t>{})) {
    if (type < 0 || type > std::numeric_limits<int32_t>::max()) {
      fail("{}: {}: expected small numbers, found {}", file.path().string(), kKey, type);
    }
    out.push_back(static_cast<int32_t>(type));
  }
  return out;
}

std::vector<float> scores(const GgufFile& file) {
  std::vector<float> out;
  for (const double score : file.numbers("tokenizer.ggml.scores").value_or(std::vector<double>{})) {
    out.push_back(static_cast<float>(score));
  }
  return out;
}

}  // namespace

GgufVocabulary gguf_vocabulary(const GgufFile& file) {
  GgufVocabulary out;
  out.file = file.path().string();
  out.model = required(file.string("tokenizer.ggml.model"), file, "tokenizer.ggml.model");
  out.pre = file.string("tokenizer.ggml.pre").value_or("");
  out.tokens = texts(file, "tokenizer.ggml.tokens");
  out.scores = scores(file);
  out.token_types = token_types(file);
  out.merges = texts(file, "tokenizer.ggml.merges");
  out.bos_token_id = file.integer("tokenizer.ggml.bos_token_id");
  out.eos_token_id = file.integer("tokenizer.ggml.eos_token_id");
  out.unknown_token_id = file.integer("tokenizer.ggml.unknown_token_id");
  out.add_bos_token = file.boolean("tokenizer.ggml.add_bos_token");
  out.add_eos_token = file.boolean("tokenizer.ggml.add_eos_token");
  out.add_space_prefix = file.boolean("tokenizer.ggml.add_space_prefix");
  return out;
}

}  // namespace qk
