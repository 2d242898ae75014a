#include "capture/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/readable_file.h"
#include "capture/gguf_vocabulary.h"
#include "formats/other_weights.h"
#include "formats/safetensors.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizerFile = "tokenizer.json";
// What Tokenizer::from_folder() may read beside it.
constexpr std::array<const char*, 4> kTokenizerFiles = {
    kTokenizerFile, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};

// Tokenizers in other formats.
constexpr std::array<const char*, 5> kOtherTokenizers = {"tokenizer.model", "tekken.json",
                                                         "vocab.json", "spiece.model", "vocab.txt"};

RepoName model_name(const SniffConfig& config) {
  return {"model.name", RepoKind::kModel, config.model.name,
          config.model.revision.value_or("main")};
}

bool has_file(const std::vector<std::string>& names, const char* name) {
  return std::ranges::binary_search(names, name);
}

// Refuses a repository without the files of a checkpoint.
void check_repository(const RepoName& name, const std::vector<std::string>& files) {
  const std::string start = fmt::format("{}: {}", name.key, name.title());
  if (!has_file(files, kSingleWeights) && !has_file(files, kWeightsIndex)) {
    const auto is_gguf = [](const std::string& file) { return file.ends_with(".gguf"); };
    const auto gguf = std::ranges::find_if(files, is_gguf);
    if (gguf == files.end()) {
      fail("{} holds neither model.safetensors nor model.safetensors.index.json{}", start,
           other_weights(files));
    }
    fail(
        "{} holds no safetensors but {} GGUF file{}: bring one with `qkscope fetch {} --type model "
        "--files {}` and name that file",
        start, std::ranges::count_if(files, is_gguf),
        std::ranges::count_if(files, is_gguf) == 1 ? "" : "s", printable(name.text),
        printable(*gguf));
  }
  if (!has_file(files, "config.json")) {
    fail("{}: expected a repository with a config.json, found none", start);
  }
}

Tokenizer tokenizer_at(const fs::path& path, const std::string& key, const Model& model) {
  if (fs::is_directory(path)) {
    if (!is_present(path / kTokenizerFile)) {
      fail("{}: {} holds no tokenizer.json; name a folder that does in tokenizer.name", key,
           path.string());
    }
    return Tokenizer::from_folder(path);
  }
  if (path.extension() != ".gguf" && !begins_as_gguf(path)) return Tokenizer::from_file(path);
  if (model.gguf && fs::equivalent(path, model.gguf->path())) {
    return Tokenizer::from_gguf(gguf_vocabulary(*model.gguf));
  }
  return Tokenizer::from_gguf(gguf_vocabulary(GgufFile(path)));
}

// What the repository has in its place, to be put behind the refusal.
std::string other_tokenizer(const std::vector<std::string>& names) {
  for (const char* name : kOtherTokenizers) {
    if (has_file(names, name)) {
      return fmt::format(
          "; its {} is not read: load the tokenizer in transformers and save it with "
          "save_pretrained(), which writes tokenizer.json",
          name);
    }
  }
  return "";
}

// The tokenizer of a repository; nothing if it has none.
std::optional<Tokenizer> tokenizer_of(const Snapshot& snapshot, Resolver& resolver) {
  const std::vector<std::string> names = resolver.list_files(snapshot);
  if (!has_file(names, kTokenizerFile)) return std::nullopt;
  std::vector<std::string> wanted;
  for (const char* name : kTokenizerFiles) {
    if (has_file(names, name)) wanted.emplace_back(name);
  }
  resolver.require_files(snapshot, wanted);
  return Tokenizer::from_folder(snapshot.folder);
}

}  // namespace

FoundModel find_model(const SniffConfig& config, Resolver& resolver) {
  const RepoName name = model_name(config);
  if (const auto path = find_on_disk(name.text)) return {*path, std::nullopt};
  const Snapshot snapshot = resolver.snapshot(name);
  FileProvider provider;
  provider.names = resolver.list_files(snapshot);
  check_repository(name, provider.names);
  provider.bring = [&resolver, snapshot](const std::vector<std::string>& files) {
    resolver.require_files(snapshot, files);
  };
  provider.missing_bytes = [&resolver, snapshot](const std::vector<std::string>& files) {
    return resolver.missing_bytes(snapshot, files);
  };
  return {snapshot.folder, std::move(provider)};
}

Tokenizer load_tokenizer(const SniffConfig& config, const Model& model, Resolver& resolver,
                         std::vector<std::string>& warnings) {
  const std::string key = config.tokenizer.name ? "tokenizer.name" : "model.name";
  const std::string& name = config.tokenizer.name.value_or(config.model.name);
  if (const auto path = find_on_disk(name)) return tokenizer_at(*path, key, model);
  const RepoName wanted = {key, RepoKind::kModel, name};
  const std::optional<Snapshot> snapshot = resolver.find_snapshot(wanted);
  if (snapshot) {
    if (auto tokenizer = tokenizer_of(*snapshot, resolver)) return *std::move(tokenizer);
  }
  const bool is_of_model = name == config.model.name && config.model.revision.has_value();
  if (const auto other = is_of_model ? resolver.find_snapshot(model_name(config)) : std::nullopt) {
    if (auto tokenizer = tokenizer_of(*other, resolver)) {
      warnings.push_back(
          fmt::format("{}: the tokenizer of {} is taken from revision {}: revision main has none",
                      key, name, *config.model.revision));
      return *std::move(tokenizer);
    }
  }
  if (snapshot) {
    fail(
        "{}: {} holds no tokenizer.json{}; name a repository or folder that does in tokenizer.name",
        key, wanted.title(), other_tokenizer(resolver.list_files(*snapshot)));
  }
  throw Error(resolver.not_found(wanted));
}

}  // namespace qk
