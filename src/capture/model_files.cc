#include "capture/model_files.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "base/hub_cache.h"
#include "base/mapped_file.h"
#include "capture/gguf_vocabulary.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashStep = size_t{8} << 20;

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

// The SHA-256 that the Hub cache names a large file by: snapshots/<commit>/<file> links to
// blobs/<64 hexadecimal digits>. Empty for any other file.
std::string blob_digest(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return {};
  const fs::path target = fs::read_symlink(path, error);
  const std::string name = target.filename().string();
  const bool hex = name.size() == 64 && std::all_of(name.begin(), name.end(), [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                   });
  return hex && target.parent_path().filename() == "blobs" ? name : std::string();
}

std::string digest(const fs::path& path, std::atomic<int64_t>& bytes_done,
                   const std::function<void()>& step) {
  const MappedFile file(path);
  std::span<const std::byte> bytes = file.bytes();
  Sha256 sum;
  size_t begin = 0;
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kHashStep);
    sum.update(bytes.first(size));
    bytes = bytes.subspan(size);
    file.drop(begin, begin + size);
    begin += size;
    bytes_done += static_cast<int64_t>(size);
    step();
  }
  return sum.hex();
}

std::vector<fs::path> files_of(const Model& model) {
  std::set<fs::path> paths;
  if (model.gguf) {
    paths.insert(model.gguf->path());
  } else {
    for (const char* name : {"config.json", "model.safetensors.index.json"}) {
      const fs::path path = model.source / name;
      if (fs::exists(path)) paths.insert(path);
    }
    for (const auto& file : model.files) paths.insert(file->path());
  }
  return {paths.begin(), paths.end()};
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

std::vector<IdentifiedFile> identify_model(
    const Model& model, ThreadPool& pool,
    const std::function<void(int64_t done, int64_t total)>& progress) {
  const std::vector<fs::path> paths = files_of(model);
  std::vector<IdentifiedFile> out;
  int64_t total = 0;
  for (const fs::path& path : paths) {
    out.push_back(
        {path.filename().string(), static_cast<int64_t>(fs::file_size(path)), blob_digest(path)});
    if (out.back().sha256.empty()) total += out.back().bytes;
  }
  std::atomic<int64_t> done{0};
  pool.parallel_for(static_cast<int64_t>(paths.size()), [&](int64_t index, int thread) {
    IdentifiedFile& file = out[static_cast<size_t>(index)];
    if (!file.sha256.empty()) return;
    file.sha256 = digest(paths[static_cast<size_t>(index)], done, [&] {
      if (thread == 0 && progress) progress(done, total);
    });
  });
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace qk
