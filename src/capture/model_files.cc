#include "capture/model_files.h"

#include "base/error.h"
#include "capture/gguf_vocabulary.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_gguf(const fs::path& path) { return path.extension() == ".gguf"; }

// A path as the user wrote it, with "~/" as the home folder; empty if nothing is there.
fs::path existing(const std::string& text) {
  fs::path path = text;
  if (text.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (home != nullptr) path = fs::path(home) / text.substr(2);
  }
  std::error_code error;
  return fs::exists(path, error) ? path : fs::path();
}

Tokenizer tokenizer_at(const fs::path& path, const std::string& key, const Model& model) {
  if (fs::is_directory(path)) {
    if (!fs::exists(path / "tokenizer.json")) {
      fail("{}: {} holds no tokenizer.json; name a folder that does in tokenizer.name", key,
           path.string());
    }
    return Tokenizer::from_folder(path);
  }
  if (!is_gguf(path)) return Tokenizer::from_file(path);
  if (model.gguf && fs::equivalent(path, model.gguf->path())) {
    return Tokenizer::from_gguf(gguf_vocabulary(*model.gguf));
  }
  return Tokenizer::from_gguf(gguf_vocabulary(GgufFile(path)));
}

}  // namespace

std::filesystem::path find_model(const SniffConfig& config) {
  const std::string& name = config.model.name;
  fs::path path = existing(name);
  if (!path.empty()) return path;
  const std::string revision = config.model.revision.value_or("main");
  if (const auto snapshot = find_in_hub_cache(RepoKind::kModel, name, revision)) return *snapshot;
  throw Error(not_in_hub_cache("model.name", RepoKind::kModel, name, revision));
}

Tokenizer load_tokenizer(const SniffConfig& config, const Model& model,
                         std::vector<std::string>& warnings) {
  const std::string key = config.tokenizer.name ? "tokenizer.name" : "model.name";
  const std::string& name = config.tokenizer.name.value_or(config.model.name);
  const fs::path path = existing(name);
  if (!path.empty()) return tokenizer_at(path, key, model);
  const auto snapshot = find_in_hub_cache(RepoKind::kModel, name);
  if (snapshot && fs::exists(*snapshot / "tokenizer.json"))
    return Tokenizer::from_folder(*snapshot);
  if (name == config.model.name && fs::exists(model.source / "tokenizer.json")) {
    warnings.push_back(fmt::format(
        "{}: the tokenizer of {} is taken from revision {}: revision main is not in the Hub cache",
        key, name, config.model.revision.value_or("main")));
    return Tokenizer::from_folder(model.source);
  }
  if (snapshot) return tokenizer_at(*snapshot, key, model);
  throw Error(not_in_hub_cache(key, RepoKind::kModel, name));
}

}  // namespace qk
