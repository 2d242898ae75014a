#include "capture/capture_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "capture/run_steps.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

int64_t count_tokens(std::span<const TokenizedDocument> documents) {
  int64_t count = 0;
  for (const TokenizedDocument& document : documents) count += std::ssize(document.ids);
  return count;
}

}  // namespace

CaptureLoop::CaptureLoop(const PreparedRun& run, const RunOptions& options,
                         const MemoryPlan& memory, ThreadPool& pool, std::span<const int64_t> done,
                         const CaptureCounts& before)
    : run_(run),
      options_(options),
      memory_(memory),
      model_(run.model, *options.backend, pool),
      reader_(run, memory, done, options.stop),
      num_documents_(run.corpus->num_documents()),
      counts_(before) {}

void CaptureLoop::show(double part) const {
  if (!options_.progress) return;
  const auto tokens = static_cast<int64_t>(static_cast<double>(batch_tokens_) * part);
  options_.progress({.phase = Phase::kCapture,
                     .done = counts_.num_documents,
                     .total = num_documents_,
                     .in_progress = part * static_cast<double>(batch_documents_),
                     .num_tokens = counts_.num_tokens + tokens,
                     .num_rows = counts_.num_rows,
                     .seconds = clock_.seconds(),
                     .done_before = counts_.num_documents_before,
                     .num_tokens_before = counts_.num_tokens_before});
}

// The part of mapped files is not kept by the kernel: the largest that was seen counts.
void CaptureLoop::look_at_memory() {
  if (memory_.budget == 0) return;
  if (const auto memory = process_memory()) {
    counts_.peak_mapped_bytes = std::max(counts_.peak_mapped_bytes, memory->mapped);
  }
}

void CaptureLoop::forward_batch(std::span<const TokenizedDocument> documents,
                                const BatchRequest& request, BlockCollector& collector) {
  const double num_layers = run_.plan.last_layer + 1;
  const double journal_before = counts_.times.journal;
  RunClock watch;
  const auto count = [&] {
    counts_.times.forward += watch.lap() - (counts_.times.journal - journal_before);
  };
  try {
    forward(
        model_, pack_sequences(request, documents), request.tap, memory_.forward,
        [&](int layer, Site site, TensorView<const float, 3> rows) {
          collector.take(layer, site, rows);
          look_at_memory();
          show((layer + 1) / num_layers);
        },
        &counts_.times.parts);
  } catch (...) {
    count();
    throw;
  }
  // The pages of the table of embeddings would add up from document to document.
  if (memory_.budget > 0) drop_embedding(run_.model);
  count();
}

void CaptureLoop::skip_not_finite(const NotFinite& fault, TokenizedDocument& document) const {
  const std::string sentence = fmt::format(
      "document {} (example_id {}): layer {}, position {}: expected finite {}, found NaN or "
      "infinity (damaged weights, or activations that overflow)",
      document.index, document.example_id, fault.layer(), fault.token(),
      fault.is_query() ? "queries" : "keys");
  if (!run_.config.capture.skip_nonfinite) {
    fail("{}; capture.on_nonfinite: skip leaves such documents out", sentence);
  }
  if (options_.warn) options_.warn(sentence + "; the document is left out");
  document.outcome = DocumentOutcome::kNotFinite;
  document.ids.clear();
  document.truncated = false;
}

void CaptureLoop::compute(std::vector<TokenizedDocument> documents, JournalWriter& journal) {
  const TokenText token_text = [&](int32_t id) { return run_.tokenizer.token(id); };
  const BlockCollector::Sink sink = [&](const CaptureBlock& block) {
    const RunClock write_watch;
    journal.append(block);
    counts_.times.journal += write_watch.seconds();
  };
  RunClock watch;
  while (true) {
    const BatchRequest request = make_batch_request(run_.plan, lengths_of(documents));
    BlockCollector collector(run_.plan, documents, request, token_text, sink);
    counts_.times.select += watch.lap();
    try {
      if (request.num_rows > 0) forward_batch(documents, request, collector);
      watch.lap();
      journal.end_documents(collector.ends());
      counts_.times.journal += watch.lap();
      counts_.num_documents += std::ssize(documents);
      counts_.num_computed_tokens += request.num_tokens();
      counts_.num_rows += request.num_rows;
      counts_.num_tokens += count_tokens(documents);
      return;
    } catch (const NotFinite& fault) {
      journal.abandon();
      const size_t faulty = request.sequence_documents[static_cast<size_t>(fault.sequence())];
      skip_not_finite(fault, documents[faulty]);
    }
  }
}

bool CaptureLoop::run(JournalWriter& journal) {
  RunClock watch;
  while (true) {
    batch_documents_ = batch_tokens_ = 0;
    show();
    watch.lap();
    std::vector<TokenizedDocument> documents = reader_.next_batch();
    counts_.times.tokenize += watch.lap();
    if (stop_wanted(options_)) return false;
    if (documents.empty()) return true;
    batch_documents_ = std::ssize(documents);
    batch_tokens_ = count_tokens(documents);
    compute(std::move(documents), journal);
  }
}

}  // namespace qk
