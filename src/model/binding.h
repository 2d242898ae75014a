// From stored tensors to a model's weights. Total: each tensor that the architecture names is there
// with its shape and a type that we compute with, and every other tensor is one that the rules
// below allow us to ignore; otherwise one Error lists the first differences and their number.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/stored_tensor.h"
#include "model/model.h"

namespace qk {

// Binds embedding and layers of `model` and fills ignored_tensors and weight_bytes.
//   tensors  all tensors of the checkpoint; matrices stay views of their bytes, norms and biases
//            are widened to float32
//   source   for messages
// REQUIRES: model.architecture and model.config are set.
// Throws Error as described above.
void bind_weights(std::span<const StoredTensor> tensors, bool is_gguf, const std::string& source,
                  Model& model);

// What precedes "embed_tokens.weight" in the one text embedding of a Hugging Face checkpoint:
// "model.", "language_model.model.", ... Throws Error if there is none, or more than one.
std::string decoder_prefix(std::span<const StoredTensor> tensors, const std::string& source,
                           std::string_view embedding_name);

// True for tensors that are not needed to capture queries and keys of the decoder under `prefix`:
// output head and final norm, rotary buffers, vision parts, layers that do not run.
bool may_be_ignored(std::string_view name, std::string_view prefix, bool is_gguf,
                    const ModelConfig& config);

}  // namespace qk
