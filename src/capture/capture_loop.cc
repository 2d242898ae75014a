#include "capture/capture_loop.h"

#include <algorithm>

#include "base/error.h"
#include "base/process_memory.h"
#include "capture/memory_plan.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

constexpr int64_t kTokenizerBytesPerTextByte = 125;  // measured

DocumentOutcome outcome_of(TextFault fault) {
  switch (fault) {
    case TextFault::kNoText:
      return DocumentOutcome::kNoText;
    case TextFault::kNotUtf8:
      return DocumentOutcome::kNotUtf8;
    case TextFault::kTooLarge:
      return DocumentOutcome::kTooLarge;
    case TextFault::kNone:
      break;
  }
  return DocumentOutcome::kCaptured;
}

}  // namespace

CaptureLoop::CaptureLoop(PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
                         ThreadPool& pool, std::span<const int64_t> done, RunReport& report)
    : run_(run),
      options_(options),
      memory_(memory),
      model_(run.model, *options.backend, pool),
      done_(done),
      report_(report),
      num_documents_(run.corpus->num_documents()),
      num_tokens_done_(report.num_tokens) {}

bool CaptureLoop::stop_wanted() const {
  return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
}

void CaptureLoop::tell(double part) const {
  if (!options_.progress) return;
  const auto tokens = static_cast<int64_t>(static_cast<double>(tokens_in_hand_) * part);
  options_.progress({Phase::kCapture, report_.num_documents, num_documents_,
                     part * static_cast<double>(batch_size_), num_tokens_done_ + tokens,
                     report_.num_rows, clock_.seconds(), report_.num_documents_before,
                     report_.num_tokens_before});
}

void CaptureLoop::check_ids(const Document& document, std::span<const int32_t> ids) const {
  const int64_t rows = run_.model.config.embedding_rows;
  for (const int32_t id : ids) {
    if (id >= 0 && id < rows) continue;
    fail(
        "{}: the tokenizer gives id {}, but {} has only {} embeddings: tokenizer.name and "
        "model.name do not belong together",
        document.place, id, run_.config.model.name, rows);
  }
}

// A text beyond max_length is tokenised as a whole before it is cut.
void CaptureLoop::check_text_size(const Document& document) const {
  if (memory_.budget == 0) return;
  const int64_t room = memory_.budget - memory_.base;
  const int64_t needed = std::ssize(document.text) * kTokenizerBytesPerTextByte;
  if (needed <= room) return;
  fail(
      "{}: a text of {} bytes takes about {} MiB to be tokenised, --ram leaves {}; "
      "dataset.max_text_bytes with on_bad_text: skip leaves such documents out",
      document.place, document.text.size(), needed >> 20, room >> 20);
}

// The part of mapped files is not kept by the kernel: the largest that was seen counts.
void CaptureLoop::look_at_memory() const {
  if (memory_.budget == 0) return;
  if (const auto memory = process_memory()) {
    report_.peak_mapped_bytes = std::max(report_.peak_mapped_bytes, memory->mapped);
  }
}

TokenizedDocument CaptureLoop::tokenize(const Document& document) {
  TokenizedDocument out{document.index, document.example_id, {}};
  out.outcome = outcome_of(document.fault);
  if (document.fault != TextFault::kNone) return out;
  check_text_size(document);
  const int64_t max_length = run_.config.tokenizer.max_length;
  try {
    out.ids = run_.tokenizer.encode(document.text, max_length);
    out.truncated = std::ssize(out.ids) == max_length &&
                    std::ssize(run_.tokenizer.encode(document.text, max_length + 1)) > max_length;
  } catch (const Error& error) {
    fail("{}: {}", document.place, error.what());
  }
  check_ids(document, out.ids);
  if (out.ids.empty()) out.outcome = DocumentOutcome::kEmpty;
  return out;
}

std::optional<TokenizedDocument> CaptureLoop::next_document() {
  if (next_) return std::exchange(next_, std::nullopt);
  while (true) {
    const std::optional<Document> document = run_.corpus->next();
    if (!document) return std::nullopt;
    if (std::ranges::binary_search(done_, document->index)) continue;
    return tokenize(*document);
  }
}

std::vector<TokenizedDocument> CaptureLoop::next_batch() {
  std::vector<TokenizedDocument> out;
  tokens_in_hand_ = 0;
  while (std::ssize(out) < memory_.batch.documents && tokens_in_hand_ < memory_.batch.tokens) {
    std::optional<TokenizedDocument> document = next_document();
    if (!document) break;
    const auto num_tokens = std::ssize(document->ids);
    if (!out.empty() && memory_.batch.hard && tokens_in_hand_ + num_tokens > memory_.batch.tokens) {
      next_ = std::move(document);
      break;
    }
    out.push_back(std::move(*document));
    tokens_in_hand_ += num_tokens;
  }
  batch_size_ = std::ssize(out);
  return out;
}

void CaptureLoop::forward_batch(DocumentBatch& batch, JournalWriter& journal) {
  double journal_seconds = 0;
  RunClock watch;
  const DocumentBatch::Sink sink = [&](const CaptureBlock& block) {
    const RunClock write_watch;
    journal.append(block);
    journal_seconds += write_watch.seconds();
  };
  const double num_layers = run_.plan.last_layer + 1;
  const auto count = [&] {
    report_.times.forward += watch.lap() - journal_seconds;
    report_.times.journal += journal_seconds;
  };
  try {
    forward(
        model_, batch.sequences(), batch.request(), memory_.forward,
        [&](int layer, Site site, TensorView<const float, 3> rows) {
          batch.take(layer, site, rows, sink);
          look_at_memory();
          tell((layer + 1) / num_layers);
        },
        &report_.times.parts);
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
      "infinity "
      "(damaged weights, or activations that overflow)",
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
  RunClock watch;
  while (true) {
    DocumentBatch batch(run_.plan, std::move(documents), token_text);
    report_.times.select += watch.lap();
    size_t faulty = 0;
    try {
      if (!batch.empty()) forward_batch(batch, journal);
      watch.lap();
      journal.end_documents(batch.ends());
      report_.times.journal += watch.lap();
      report_.num_documents += batch.num_documents();
      report_.num_computed_tokens += std::ssize(batch.sequences().ids);
      report_.num_rows += batch.num_rows();
      for (const TokenizedDocument& document : batch.documents()) {
        report_.num_tokens += std::ssize(document.ids);
      }
      return;
    } catch (const NotFinite& fault) {
      journal.abandon();
      faulty = batch.document_of(fault.sequence());
      documents = batch.documents();
      skip_not_finite(fault, documents[faulty]);
    }
  }
}

bool CaptureLoop::run(JournalWriter& journal) {
  RunClock watch;
  while (true) {
    num_tokens_done_ = report_.num_tokens;
    tokens_in_hand_ = batch_size_ = 0;
    tell();
    if (stop_wanted()) return false;
    watch.lap();
    std::vector<TokenizedDocument> documents = next_batch();
    report_.times.tokenize += watch.lap();
    if (documents.empty()) return true;
    compute(std::move(documents), journal);
  }
}

}  // namespace qk
