#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "formats/safetensors.h"
#include "model/binding.h"
#include "model/model.h"
#include "model/model_source.h"
#include "model/needed_shards.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// What a plan takes weights for that are not there.
DType planned_dtype(const ModelSource& opened) {
  if (opened.dtype == "float32") return DType::kF32;
  return opened.dtype == "float16" ? DType::kF16 : DType::kBF16;
}

bool is_known(const FileProvider& provider, const std::string& name) {
  return std::ranges::binary_search(provider.names, name);
}

// Brings the index, if there is one, and the weights that are needed, or notes in the model what a
// plan lacks. Returns the needed shards; nothing if the model is one file.
std::optional<std::set<std::string>> bring_weights(const FileProvider& provider,
                                                   const ModelSource& opened, int64_t last_layer,
                                                   Model& model) {
  std::optional<std::set<std::string>> shards;
  std::vector<std::string> needed = {kSingleWeights};
  if (is_known(provider, kWeightsIndex)) provider.bring({kWeightsIndex});
  if (!is_known(provider, kSingleWeights)) {
    const WeightMap weight_map = read_weight_map(model.source / kWeightsIndex);
    shards = needed_shards(weight_map, opened, model, last_layer, model.source.string());
    needed.assign(shards->begin(), shards->end());
    std::set<std::string> others;
    for (const auto& [tensor, shard] : weight_map) {
      if (!shards->contains(shard) && is_known(provider, shard)) others.insert(shard);
    }
    for (const std::string& shard : others) model.other_shards.push_back(model.source / shard);
  }
  if (provider.plan_only) model.unbrought_bytes = provider.missing_bytes(needed);
  if (model.unbrought_bytes > 0) {
    std::erase_if(needed,
                  [&](const std::string& name) { return provider.missing_bytes({name}) == 0; });
    model.unbrought = std::move(needed);
  } else {
    provider.bring(needed);
  }
  return shards;
}

}  // namespace

Model load_model(const fs::path& source, const std::string& overrides,
                 std::span<const Architecture* const> registry, const LastLayer& last_layer,
                 const FileProvider* provider) {
  if (provider != nullptr) provider->bring({"config.json"});
  const ModelSource opened = open_model_source(source, registry, provider == nullptr);
  Model model;
  model.architecture = opened.architecture;
  model.config = resolve_config(opened, overrides);
  model.source = source;
  const int64_t last = last_layer ? last_layer(model.config, *model.architecture)
                                  : model.config.num_hidden_layers - 1;
  const std::string name = source.string();
  if (opened.gguf) {
    model.gguf = opened.gguf;
    bind_weights(opened.gguf->tensors(), /*is_gguf=*/true, name, last, model);
    return model;
  }
  model.warnings = ignored_key_warnings(opened);
  std::optional<std::set<std::string>> shards;
  if (provider != nullptr) shards = bring_weights(*provider, opened, last, model);
  if (!model.unbrought.empty()) {
    plan_weights(planned_dtype(opened), last, model);
    return model;
  }
  SafetensorsModel checkpoint = open_safetensors(source, shards ? &*shards : nullptr);
  if (opened.ties_embeddings) {
    const std::string embedding(tensor_name(*model.architecture, Role::kEmbedding).hf);
    name_tied_embedding(checkpoint.tensors, embedding + ".weight");
  }
  bind_weights(checkpoint.tensors, /*is_gguf=*/false, name, last, model);
  for (MappedFile& file : checkpoint.files) {
    model.files.push_back(std::make_shared<const MappedFile>(std::move(file)));
  }
  return model;
}

}  // namespace qk
