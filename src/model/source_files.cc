#include "model/source_files.h"

#include <set>

#include "formats/gguf.h"

namespace qk {

namespace fs = std::filesystem;

std::vector<fs::path> source_files(const Model& model) {
  if (model.gguf) return {model.gguf->path()};
  std::set<fs::path> paths;
  for (const char* name : {"config.json", "model.safetensors.index.json"}) {
    const fs::path path = model.source / name;
    if (fs::exists(path)) paths.insert(path);
  }
  for (const auto& file : model.files) paths.insert(file->path());
  paths.insert(model.other_shards.begin(), model.other_shards.end());
  return {paths.begin(), paths.end()};
}

}  // namespace qk
