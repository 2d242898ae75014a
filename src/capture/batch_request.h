// What is captured of documents that go through the model together, decided before they do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/plan.h"
#include "capture/tokenized_document.h"
#include "kernels/backend.h"
#include "model/forward.h"
#include "sampling/row_selection.h"

namespace qk {

// As much of a document as decides which rows are taken of it.
struct DocumentLength {
  int64_t example_id = 0;
  int64_t num_tokens = 0;
};

// The rows of one document in one layer and kind: a block of the journal.
struct BlockRows {
  size_t document = 0;  // index in the batch
  RowSelection rows;
  std::vector<size_t> ascending;  // rows in order of their position; empty: they are ascending
};

struct LayerRows {
  std::vector<BlockRows> queries, keys;  // of the documents that have rows there, in order

  const std::vector<BlockRows>& of(Kind kind) const {
    return kind == Kind::kQuery ? queries : keys;
  }
};

struct BatchRequest {
  std::vector<LayerRows> layers;  // [num_hidden_layers]
  // [documents] tokens to compute: up to the last one that any layer captures, since later ones
  // cannot be seen by earlier ones, or all. 0: the document has no row.
  std::vector<int64_t> lengths;
  std::vector<size_t> sequence_documents;  // [sequences] the documents that have rows, in order
  TapRequest tap;                          // of their tokens, one sequence after the other
  int64_t num_rows = 0;                    // of all heads and documents

  int64_t num_tokens() const;  // to compute

  // Bytes of the vectors that BlockCollector holds at most: of one block; with both columns, also
  // of the first column of one layer's blocks of one kind.
  int64_t largest_block_bytes(const CapturePlan& plan) const;
  // Bytes of the vectors of all blocks.
  int64_t all_block_bytes(const CapturePlan& plan) const;
  // Bytes of the lists of positions and buckets, here and in the tap request, with what the
  // collector adds while it works on the largest block.
  int64_t list_bytes() const;
};

// Draws the rows of every document, layer and kind.
//   traits  of the backend: with rows_depend_on_shape documents that have rows are computed whole
BatchRequest make_batch_request(const CapturePlan& plan, std::span<const DocumentLength> documents,
                                const BackendTraits& traits = {});

std::vector<DocumentLength> lengths_of(std::span<const TokenizedDocument> documents);

// The tokens that the request computes.
Sequences pack_sequences(const BatchRequest& request, std::span<const TokenizedDocument> documents);

}  // namespace qk
