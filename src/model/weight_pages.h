// Which mapped weights are in memory: for models that do not fit, the layer loop gives the pages of
// a layer back when it is done with it, and asks for the next layer's ahead of time. The values are
// the file's, so nothing depends on it. Threads: any.
#pragma once

#include <cstdint>

#include "model/model.h"

namespace qk {

// Bytes of one layer's matrices.
int64_t layer_weight_bytes(const Model& model, int layer);

// The pages may be forgotten (they can be read again).
void drop_layer_weights(const Model& model, int layer);
void drop_embedding(const Model& model);

// The pages will be needed soon: starts reading them.
void prefetch_layer_weights(const Model& model, int layer);

// Tokens whose embeddings are looked up before their pages are dropped, and the bytes of pages that
// so many rows of the table make resident at most (the kernel maps 64 KiB around a touched page).
inline constexpr int64_t kEmbeddingPiece = 128;
int64_t embedding_piece_bytes(const Model& model);

}  // namespace qk
