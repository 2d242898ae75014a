#include "capture/document_reader.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

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

// A text beyond max_length is tokenised as a whole before it is cut.
int64_t tokenizing_bytes(const Document& document) {
  return std::ssize(document.text) * kTokenizerBytesPerTextByte;
}

}  // namespace

DocumentReader::DocumentReader(const PreparedRun& run, const MemoryPlan& memory,
                               DocumentSource& source, const std::atomic<bool>* stop)
    : run_(run), memory_(memory), source_(source), stop_(stop) {}

DocumentReader::~DocumentReader() {
  cancel();  // and ahead_ waits for its thread
}

void DocumentReader::cancel() {
  cancelled_ = true;
  source_.cancel();
}

std::vector<TokenizedDocument> DocumentReader::next_batch() {
  Batch batch = ahead_.valid() ? ahead_.get() : Batch{};
  fill(batch, false);
  if (!batch.documents.empty()) {
    // Deferred, that is read when it is asked for, if no thread can be started.
    ahead_ = std::async(std::launch::async | std::launch::deferred, [this] {
      Batch next;
      fill(next, true);
      return next;
    });
  }
  return std::move(batch.documents);
}

void DocumentReader::fill(Batch& batch, bool beside_forward) {
  const BatchLimits& limits = memory_.batch;
  while (std::ssize(batch.documents) < limits.documents && batch.num_tokens < limits.tokens) {
    if (!next_ && !tokenize_next(beside_forward, batch.documents.empty())) return;
    const int64_t num_tokens = batch.num_tokens + std::ssize(next_->ids);
    if (!batch.documents.empty() && limits.hard && num_tokens > limits.tokens) return;
    batch.documents.push_back(*std::exchange(next_, std::nullopt));
    batch.num_tokens = num_tokens;
  }
}

bool DocumentReader::tokenize_next(bool beside_forward, bool wait) {
  if (!text_) text_ = read_text(wait);
  if (!text_ || is_stopped() || (beside_forward && must_wait(*text_))) return false;
  next_ = tokenize(*text_);
  text_.reset();
  return true;
}

std::optional<Document> DocumentReader::read_text(bool wait) {
  if (at_end_ || is_stopped()) return std::nullopt;
  std::optional<Document> document = source_.next(wait);
  at_end_ = !document && wait;
  return document;
}

bool DocumentReader::is_stopped() const {
  return cancelled_ || (stop_ != nullptr && stop_->load(std::memory_order_relaxed));
}

bool DocumentReader::must_wait(const Document& document) const {
  return memory_.budget > 0 && tokenizing_bytes(document) > memory_.tokenizer;
}

void DocumentReader::check_text_size(const Document& document) const {
  if (memory_.budget == 0) return;
  const int64_t room = memory_.budget - memory_.base;
  const int64_t needed = tokenizing_bytes(document);
  if (needed <= room) return;
  fail(
      "{}: a text of {} bytes takes about {} MB to be tokenised, --ram leaves {} MB; to leave such "
      "documents out, set dataset.max_text_bytes, and dataset.on_bad_text to skip",
      document.place, document.text.size(), needed / 1'000'000, room / 1'000'000);
}

void DocumentReader::check_ids(const Document& document, std::span<const int32_t> ids) const {
  const int64_t rows = run_.model.config.embedding_rows;
  for (const int32_t id : ids) {
    if (id >= 0 && id < rows) continue;
    fail(
        "{}: the tokenizer gives id {}, but {} has only {} embeddings: tokenizer.name and "
        "model.name do not belong together",
        document.place, id, run_.config.model.name, rows);
  }
}

TokenizedDocument DocumentReader::tokenize(const Document& document) const {
  TokenizedDocument out{.index = document.index,
                        .example_id = document.example_id,
                        .ids = {},
                        .outcome = outcome_of(document.fault)};
  if (document.fault != TextFault::kNone) return out;
  check_text_size(document);
  try {
    Encoding encoding = run_.tokenizer.encode(document.text, run_.config.tokenizer.max_length);
    out.ids = std::move(encoding.ids);
    out.truncated = encoding.truncated;
  } catch (const Error& error) {
    fail("{}: {}", document.place, error.what());
  }
  check_ids(document, out.ids);
  if (out.ids.empty()) out.outcome = DocumentOutcome::kEmpty;
  return out;
}

}  // namespace qk
