#include "capture/model_files.h"

#include <optional>

#include "base/error.h"
#include "base/readable_file.h"
#include "capture/gguf_vocabulary.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

Tokenizer tokenizer_at(const fs::path& path, const std::string& key, const Model& model) {
  if (fs::is_directory(path)) {
    if (!is_present(path / "tokenizer.json")) {
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

}  // namespace

fs::path find_model(const SniffConfig& config, Resolver& resolver) {
  return resolver.resolve(
      {"model.name", RepoKind::kModel, config.model.name, config.model.revision.value_or("main")});
}

Tokenizer load_tokenizer(const SniffConfig& config, const Model& model, Resolver& resolver,
                         std::vector<std::string>& warnings) {
  const std::string key = config.tokenizer.name ? "tokenizer.name" : "model.name";
  const std::string& name = config.tokenizer.name.value_or(config.model.name);
  if (const auto path = find_on_disk(name)) return tokenizer_at(*path, key, model);
  const RepoName wanted = {key, RepoKind::kModel, name};
  const std::optional<Snapshot> snapshot = resolver.find_snapshot(wanted);
  if (snapshot && is_present(snapshot->folder / "tokenizer.json")) {
    return Tokenizer::from_folder(snapshot->folder);
  }
  if (name == config.model.name && is_present(model.source / "tokenizer.json")) {
    warnings.push_back(fmt::format(
        "{}: the tokenizer of {} is taken from revision {}: revision main is not in the Hub cache",
        key, name, config.model.revision.value_or("main")));
    return Tokenizer::from_folder(model.source);
  }
  if (snapshot) return tokenizer_at(snapshot->folder, key, model);
  throw Error(resolver.not_found(wanted));
}

}  // namespace qk
