#include "formats/safetensors.h"
#include "model/binding.h"
#include "model/model.h"
#include "model/model_source.h"

namespace qk {

Model load_model(const std::filesystem::path& source, const std::string& overrides,
                 std::span<const Architecture* const> registry, const LastLayer& last_layer) {
  const ModelSource opened = open_model_source(source, registry);
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
  SafetensorsModel checkpoint = open_safetensors(source);
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
