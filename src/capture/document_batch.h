// Documents that go through the model together, and what is captured of them: the request to the
// forward pass, and from its tap the blocks of the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "capture/plan.h"
#include "capture/row_selection.h"
#include "dataset/journal.h"
#include "model/forward.h"

namespace qk {

struct TokenizedDocument {
  int64_t index = 0;  // in the run
  int64_t example_id = 0;
  std::vector<int32_t> ids;
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

  // Takes one call of the forward pass's tap. A block of the first document goes to `sink` as soon
  // as it is whole.
  using Sink = std::function<void(const CaptureBlock&)>;
  void take(int layer, Site site, TensorView<const float, 3> rows, const Sink& sink);

  // After the forward pass: the blocks of the other documents, and after each document its end.
  void finish(const Sink& sink, const std::function<void(const DocumentEnd&)>& end);

  int64_t num_documents() const { return static_cast<int64_t>(documents_.size()); }
  // Rows of all heads and documents.
  int64_t num_rows() const { return num_rows_; }
  // Bytes of the vectors of the largest block: the first document's are held one at a time.
  int64_t largest_block_bytes() const;

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

  void select(int layer, Kind kind, const TokenText& token_text);
  void pack();
  void request_rows();
  std::vector<Pending>& pending_of(int layer, Kind kind);
  void emit(Pending& pending, const Sink& sink);
  void emit_document(size_t document, const Sink& sink);

  const CapturePlan& plan_;
  std::vector<TokenizedDocument> documents_;
  RowSelector selector_;
  std::vector<Layer> layers_;
  std::vector<int64_t> first_row_;    // [documents] index of its first token in the packed batch
  std::vector<int64_t> num_records_;  // [documents]
  Sequences sequences_;
  TapRequest request_;
  int64_t num_rows_ = 0;
};

}  // namespace qk
