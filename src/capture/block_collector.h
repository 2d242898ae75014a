// From the tap of the forward pass to the blocks of the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "capture/batch_request.h"
#include "capture/canary_watch.h"
#include "capture/plan.h"
#include "capture/tokenized_document.h"
#include "journal/journal.h"
#include "model/forward.h"

namespace qk {

class BlockCollector {
 public:
  using Sink = std::function<void(CaptureBlock&&)>;

  // `token_text` is only called if the plan wants token strings. REQUIRES: `request` is that of the
  // plan and the documents, and all of them outlive the collector.
  BlockCollector(const CapturePlan& plan, std::span<const TokenizedDocument> documents,
                 const BatchRequest& request, TokenText token_text, Sink sink);

  // Takes one call of the tap. Blocks go to the sink as soon as they are whole: at most one layer's
  // vectors are held.
  void take(int layer, Site site, TensorView<const float, 3> rows);

  // The end of each document. REQUIRES: every tap of the request was taken.
  std::vector<DocumentEnd> ends() const;

 private:
  struct Pending {  // one block to be
    const BlockRows* rows = nullptr;
    int sites_left = 0;  // taps that are still to come
    // [heads, rows, head_dim] as in the block
    std::vector<float> vectors = {}, vectors_pre_rope = {};
  };
  struct Layer {
    std::vector<Pending> queries, keys;  // as in the request
  };

  void choose_canaries();
  std::vector<Pending>& pending_of(int layer, Kind kind);
  void emit(int layer, Kind kind, Pending& pending);

  const CapturePlan& plan_;
  std::span<const TokenizedDocument> documents_;
  const BatchRequest& request_;
  TokenText token_text_;
  Sink sink_;
  std::vector<Layer> layers_;
  std::vector<int64_t> num_records_;   // [documents]
  std::vector<CanaryWatch> canaries_;  // [documents]
};

}  // namespace qk
