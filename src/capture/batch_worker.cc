#include "capture/batch_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "capture/batch_request.h"
#include "capture/run_clock.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

int64_t tokens_in(std::span<const TokenizedDocument> documents) {
  int64_t count = 0;
  for (const TokenizedDocument& document : documents) count += std::ssize(document.ids);
  return count;
}

}  // namespace

double BatchWorker::Result::seconds_of_token() const {
  if (counts.num_tokens == 0) return 0;
  const CaptureTimes& times = counts.times;
  return (times.select + times.forward + times.journal) / static_cast<double>(counts.num_tokens);
}

BatchWorker::BatchWorker(const PreparedRun& run, const RunOptions& options,
                         const MemoryPlan& memory, int device, ThreadPool& pool)
    : run_(run), memory_(memory), model_(run.model, options.backend(device), pool) {}

// The part of mapped files is not kept by the kernel: the largest that was seen counts.
void BatchWorker::look_at_memory(CaptureCounts& counts) const {
  if (memory_.budget == 0) return;
  if (const auto memory = process_memory()) {
    counts.peak_mapped_bytes = std::max(counts.peak_mapped_bytes, memory->mapped);
  }
}

void BatchWorker::forward_batch(std::span<const TokenizedDocument> documents,
                                const BatchRequest& request, BlockCollector& collector,
                                const Hooks& hooks, CaptureCounts& counts) {
  const double num_layers = run_.plan.last_layer + 1;
  RunClock watch;
  try {
    forward(
        model_, pack_sequences(request, documents), request.tap, memory_.forward,
        [&](int layer, Site site, TensorView<const float, 3> rows) {
          collector.take(layer, site, rows);
          look_at_memory(counts);
          hooks.show((layer + 1) / num_layers);
        },
        run_.config.inference.debug_logging ? &counts.times.parts : nullptr);
  } catch (...) {
    counts.times.forward += watch.lap();
    throw;
  }
  // The pages of the table of embeddings would add up from document to document.
  if (memory_.budget > 0) drop_embedding(run_.model);
  counts.times.forward += watch.lap();
}

void BatchWorker::skip_not_finite(const NotFinite& fault, TokenizedDocument& document,
                                  const Hooks& hooks) const {
  const std::string sentence = fmt::format(
      "document {} (example_id {}): layer {}, position {}: expected finite {}, found NaN or "
      "infinity (damaged weights, or activations that overflow)",
      document.index, document.example_id, fault.layer(), fault.token(),
      fault.is_query() ? "queries" : "keys");
  if (!run_.config.capture.skip_nonfinite) {
    fail("{}; to leave such documents out, set capture.on_nonfinite to skip", sentence);
  }
  if (hooks.warn) hooks.warn(sentence + "; the document is left out");
  document.outcome = DocumentOutcome::kNotFinite;
  document.ids.clear();
  document.truncated = false;
}

BatchWorker::Result BatchWorker::compute(std::vector<TokenizedDocument> documents,
                                         const Hooks& hooks) {
  const TokenText token_text = [&](int32_t id) { return run_.tokenizer.token(id); };
  Result out;
  RunClock watch;
  while (true) {
    const BatchRequest request =
        make_batch_request(run_.plan, lengths_of(documents), model_.backend().traits);
    BlockCollector collector(run_.plan, documents, request, token_text, hooks.sink);
    out.counts.times.select += watch.lap();
    try {
      if (request.num_rows > 0) forward_batch(documents, request, collector, hooks, out.counts);
      out.ends = collector.ends();
      out.counts.num_documents = std::ssize(documents);
      out.counts.num_computed_tokens = request.num_tokens();
      out.counts.num_rows = request.num_rows;
      out.counts.num_tokens = tokens_in(documents);
      return out;
    } catch (const NotFinite& fault) {
      hooks.restart();
      const size_t faulty = request.sequence_documents[static_cast<size_t>(fault.sequence())];
      skip_not_finite(fault, documents[faulty], hooks);
      watch.lap();
    }
  }
}

}  // namespace qk
