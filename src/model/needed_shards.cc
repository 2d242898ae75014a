#include "model/needed_shards.h"

#include <string>
#include <vector>

#include "model/binding.h"

namespace qk {

std::set<std::string> needed_shards(const WeightMap& weight_map, const ModelSource& opened,
                                    const Model& model, int64_t last_layer,
                                    const std::string& source) {
  std::vector<StoredTensor> tensors;
  tensors.reserve(weight_map.size());
  for (const auto& [name, shard] : weight_map) {
    StoredTensor& tensor = tensors.emplace_back();
    tensor.name = name;
    tensor.file = shard;
  }
  const std::string embedding =
      std::string(tensor_name(*model.architecture, Role::kEmbedding).hf) + ".weight";
  if (opened.ties_embeddings) name_tied_embedding(tensors, embedding);
  const std::string prefix = decoder_prefix(tensors, source, embedding);
  std::set<std::string> out;
  for (const StoredTensor& tensor : tensors) {
    if (!may_be_ignored(tensor, prefix, /*is_gguf=*/false, model.config, last_layer)) {
      out.insert(tensor.file);
    }
  }
  return out;
}

}  // namespace qk
