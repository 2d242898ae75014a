// For tests only: a run over a tiny model and given texts, and what it has allocated.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "capture/prepared_run.h"
#include "model/test_checkpoint.h"

namespace qk {

// The texts in order; one that is "damaged" cannot be read.
class TextCorpus : public Corpus {
 public:
  explicit TextCorpus(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  std::optional<Document> next() override {
    if (at_ == std::ssize(texts_)) return std::nullopt;
    const int64_t index = at_++;
    const std::string& text = texts_[static_cast<size_t>(index)];
    const std::string place = fmt::format("text {}", index);
    if (text == "damaged") fail("{}: is damaged", place);
    return Document{.index = index, .example_id = 100 + index, .text = text, .place = place};
  }
  std::optional<int64_t> num_documents() const override { return std::ssize(texts_); }
  const std::vector<CorpusFile>& files() const override { return files_; }
  const std::vector<CorpusFile>& digested_files() const override { return files_; }
  int64_t num_read() const { return at_; }

 private:
  std::vector<std::string> texts_;
  std::vector<CorpusFile> files_;
  std::atomic<int64_t> at_ = 0;
};

inline std::string words(int64_t count) {
  std::string out;
  for (int64_t i = 0; i < count; ++i) out += fmt::format("w{} ", i % 40);
  return out;
}

// Every position of every head, in documents of at most 64 tokens, one token a word. The model's
// files are written into `folder`.
inline PreparedRun test_run(std::vector<std::string> texts, const std::filesystem::path& folder) {
  static constexpr std::string_view kTypes[] = {"llama"};
  static constexpr Architecture kPlain = {.name = "plain", .model_types = kTypes};
  static constexpr const Architecture* kRegistry[] = {&kPlain};
  write_checkpoint(folder, fixture_case("llama-plain"));
  nlohmann::json vocabulary = {{"[UNK]", 0}};
  for (int i = 0; i < 40; ++i) vocabulary[fmt::format("w{}", i)] = i + 1;
  const nlohmann::json tokenizer = {
      {"version", "1.0"},
      {"added_tokens", nlohmann::json::array()},
      {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
      {"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "[UNK]"}}}};
  write_file(folder / "tokenizer.json", tokenizer.dump());
  SniffConfig config;
  config.model.name = "tiny";
  config.dataset.path = "texts";
  config.tokenizer.max_length = 64;
  config.capture.sampler = SamplerType::kAll;
  Model model = load_model(folder, "", kRegistry);
  CapturePlan plan = make_plan(config, model.config, kPlain);
  return {std::move(config), std::move(model), std::move(plan),
          Tokenizer::from_file(folder / "tokenizer.json"),
          std::make_unique<TextCorpus>(std::move(texts))};
}

// Likewise; the files are gone, but for what is mapped of them.
inline PreparedRun test_run(std::vector<std::string> texts) {
  const TestFolder folder;
  return test_run(std::move(texts), folder.path());
}

}  // namespace qk
