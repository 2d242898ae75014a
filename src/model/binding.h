// From stored tensors to a model's weights. Total: each tensor that the architecture names, up to the
// last layer that is needed, is there with its shape and a type that we compute with, and every
// other tensor is one that the rules below allow us to ignore; otherwise one Error lists the first
// differences and their number.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/stored_tensor.h"
#include "model/model.h"

namespace qk {

// Binds embedding and layers of `model` and fills ignored_tensors, warnings and weight_bytes.
//   tensors     all tensors of the checkpoint; matrices stay views of their bytes, norms and biases
//               are widened to float32
//   source      for messages
//   last_layer  no later layer is bound
// REQUIRES: model.architecture and model.config are set.
// Throws Error as described above.
void bind_weights(std::span<const StoredTensor> tensors, bool is_gguf, const std::string& source,
                  int64_t last_layer, Model& model);

// The same shapes without any tensor: matrices have `dtype`, rows and columns, but bytes that must
// not be read; vectors are zero. For plans.
void plan_weights(DType dtype, int64_t last_layer, Model& model);

// What precedes "embed_tokens.weight" in the text embedding of a Hugging Face checkpoint: "model.",
// "language_model.model." or another one of transformers, else whatever it is. Throws Error if there
// is none, or no telling which of several.
std::string decoder_prefix(std::span<const StoredTensor> tensors, const std::string& source,
                           std::string_view embedding_name);

// safetensors.torch.save_model keeps one of the names of a matrix that the model holds twice. Gives
// the output head the name of the embedding where there is no embedding.
// REQUIRES: the configuration ties the two.
void name_tied_embedding(std::span<StoredTensor> tensors, std::string_view embedding_name);

// True for tensors that are not needed to capture queries and keys of the decoder under `prefix`:
// what lies outside the decoder (heads of any kind, vision parts, drafting decoders), its final norm,
// buffers, layers that do not run or come after `last_layer`.
// False for what an adapter adds, and for embeddings beside the one that the decoder has.
bool may_be_ignored(const StoredTensor& tensor, std::string_view prefix, bool is_gguf,
                    const ModelConfig& config, int64_t last_layer);

// True for ignored tensors that are no news: final norm, output head, layers that are not needed.
bool every_model_has(std::string_view name, std::string_view prefix, bool is_gguf,
                     const ModelConfig& config, int64_t last_layer);

// Of a name with "vision", "visual" or "audio".
bool is_other_part(std::string_view name);

}  // namespace qk
