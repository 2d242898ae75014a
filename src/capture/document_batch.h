// Documents that go through the model together, and what is captured of them: the request to the
// forward pass, and from its tap the blocks of the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "capture/canary_watch.h"
#include "capture/plan.h"
#include "journal/journal.h"
#include "model/forward.h"
#include "sampling/row_selection.h"

namespace qk {

struct TokenizedDocument {
  int64_t index = 0;  // in the run
  int64_t example_id = 0;
  std::vector<int32_t> ids;
  bool truncated = false;                                // it has more tokens
  DocumentOutcome outcome = DocumentOutcome::kCaptured;  // of others there are no ids
};

// The text of a token id, for token_str.
using TokenText = std::function<std::string(int32_t id)>;

class DocumentBatch {
 public:
  // Draws the rows of every document, layer and kind. `token_text` is only called if the plan wants
  // token strings.
  DocumentBatch(const CapturePlan& plan, std::vector<TokenizedDocument> documents,
                const TokenText& token_text);

  // The documents up to the last token that any layer captures: later ones cannot be seen by
  // earlier ones. Documents without a row have no tokens here.
  const Sequences& sequences() const { return sequences_; }
  const TapRequest& request() const { return request_; }
  bool empty() const { return sequences_.ids.empty(); }  // nothing to compute

  // Takes one call of the forward pass's tap. Blocks go to `sink` as soon as they are whole: at
  // most one layer's vectors are held.
  using Sink = std::function<void(const CaptureBlock&)>;
  void take(int layer, Site site, TensorView<const float, 3> rows, const Sink& sink);

  // The end of each document, after the forward pass.
  std::vector<DocumentEnd> ends() const;

  // The index into `documents` of a sequence of sequences().
  size_t document_of(int64_t sequence) const {
    return sequence_documents_[static_cast<size_t>(sequence)];
  }
  const std::vector<TokenizedDocument>& documents() const { return documents_; }
  int64_t num_documents() const { return static_cast<int64_t>(documents_.size()); }
  // Rows of all heads and documents.
  int64_t num_rows() const { return num_rows_; }
  // Bytes of the vectors that are held at most: of one block, or with both columns of one layer's
  // blocks of one kind.
  int64_t largest_block_bytes() const;
  // Bytes of the lists of positions and buckets, here and in the request.
  int64_t list_bytes() const;

 private:
  struct Pending {  // one block to be
    CaptureBlock block;
    size_t document = 0;  // index into documents_
    std::vector<size_t>
        ascending;       // rows of the file in order of their position; empty: as they are
    int sites_left = 0;  // taps that are still to come
  };
  struct Layer {
    std::vector<Pending> queries, keys;  // of the documents that have rows there, in order
  };

  void select(int layer, Kind kind);
  void choose_canaries();
  void pack();
  void request_rows();
  std::vector<Pending>& pending_of(int layer, Kind kind);
  void emit(Pending& pending, const Sink& sink);

  const CapturePlan& plan_;
  std::vector<TokenizedDocument> documents_;
  TokenText token_text_;
  RowSelector selector_;
  std::vector<Layer> layers_;
  std::vector<int64_t> first_row_;     // [documents] index of its first token in the packed batch
  std::vector<int64_t> num_records_;   // [documents]
  std::vector<CanaryWatch> canaries_;  // [documents]
  std::vector<size_t> sequence_documents_;  // [sequences]
  Sequences sequences_;
  TapRequest request_;
  int64_t num_rows_ = 0;
};

}  // namespace qk
