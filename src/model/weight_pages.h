// How much of the mapped weights is resident when they are streamed: for models that do not fit
// into memory, the layer loop drops the pages of a layer when it has computed it and prefetches the
// next layer's. The values are the file's, so results do not depend on it. Threads: any.
#pragma once

#include <cstdint>

#include "model/model.h"

namespace qk {

// Bytes of one layer's matrices.
int64_t layer_weight_bytes(const Model& model, int layer);

// The pages may be given back; they are read again when they are needed.
void drop_embedding(const Model& model);

// Tokens whose embeddings are looked up before their pages are dropped, and the most bytes of pages
// that this many rows of the table make resident (the kernel maps 64 KiB around a touched page).
inline constexpr int64_t kEmbeddingPiece = 128;
int64_t embedding_piece_bytes(const Model& model);

}  // namespace qk
