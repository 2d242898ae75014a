#include "capture/capture_loop.h"

#include <algorithm>
#include <utility>

#include "capture/device_team.h"
#include "capture/run_steps.h"

namespace qk {
namespace {

// Adds a batch. The times of the journal are the loop's own.
void add_counts(const CaptureCounts& batch, CaptureCounts& out) {
  out.num_documents += batch.num_documents;
  out.num_tokens += batch.num_tokens;
  out.num_rows += batch.num_rows;
  out.num_computed_tokens += batch.num_computed_tokens;
  out.peak_mapped_bytes = std::max(out.peak_mapped_bytes, batch.peak_mapped_bytes);
  out.times.select += batch.times.select;
  out.times.forward += batch.times.forward;
  const ForwardTimes& parts = batch.times.parts;
  ForwardTimes& sum = out.times.parts;
  for (double ForwardTimes::* part :
       {&ForwardTimes::embedding, &ForwardTimes::norm, &ForwardTimes::linear, &ForwardTimes::rope,
        &ForwardTimes::attention, &ForwardTimes::activation, &ForwardTimes::tap,
        &ForwardTimes::matmul_flop}) {
    sum.*part += parts.*part;
  }
}

}  // namespace

CaptureLoop::CaptureLoop(const PreparedRun& run, const RunOptions& options,
                         const MemoryPlan& memory, ThreadPool& pool, DocumentSource& source,
                         const CaptureCounts& before)
    : run_(run),
      options_(options),
      memory_(memory),
      pool_(pool),
      reader_(run, memory, source, options.stop),
      num_documents_(options.num_documents(run.corpus->num_documents())),
      counts_(before) {}

void CaptureLoop::show(double documents, double tokens) const {
  if (!options_.progress) return;
  options_.progress({.phase = Phase::kCapture,
                     .done = counts_.num_documents,
                     .total = num_documents_,
                     .in_progress = documents,
                     .num_tokens = counts_.num_tokens + static_cast<int64_t>(tokens),
                     .num_rows = counts_.num_rows,
                     .seconds = clock_.seconds(),
                     .done_before = counts_.num_documents_before,
                     .num_tokens_before = counts_.num_tokens_before});
}

std::vector<TokenizedDocument> CaptureLoop::next_batch() {
  const RunClock watch;
  std::vector<TokenizedDocument> documents = reader_.next_batch();
  tokenize_seconds_ += watch.seconds();
  stopped_ = stop_wanted(options_) || !end_in_time(documents);
  if (stopped_) documents.clear();
  return documents;
}

bool CaptureLoop::end_in_time(const std::vector<TokenizedDocument>& documents) {
  if (options_.time_limit == nullptr || documents.empty()) return true;
  std::vector<int64_t> lengths;
  lengths.reserve(documents.size());
  for (const TokenizedDocument& document : documents) {
    lengths.push_back(std::ssize(document.ids));
  }
  const std::lock_guard lock(time_mutex_);
  if (options_.time_limit->fits(lengths)) return true;
  out_of_time_ =
      out_of_time_sentence(*options_.time_limit, counts_.num_documents, std::ranges::max(lengths));
  return false;
}

// The seconds of a batch, shared among its documents by their tokens.
void CaptureLoop::take_time(const BatchWorker::Result& result) {
  if (options_.time_limit == nullptr || result.counts.num_tokens == 0) return;
  const double seconds_of_token = result.seconds_of_token();
  const std::lock_guard lock(time_mutex_);
  for (const DocumentEnd& end : result.ends) {
    options_.time_limit->add(end.num_tokens,
                             static_cast<double>(end.num_tokens) * seconds_of_token);
  }
}

void CaptureLoop::append(const CaptureBlock& block, JournalWriter& journal) {
  const RunClock watch;
  journal.append(block);
  counts_.times.journal += watch.seconds();
}

void CaptureLoop::end(BatchWorker::Result&& result, JournalWriter& journal) {
  const RunClock watch;
  journal.end_documents(result.ends);
  const double seconds = watch.seconds();
  counts_.times.journal += seconds;
  result.counts.times.journal += seconds;
  add_counts(result.counts, counts_);
  take_time(result);
  if (ended_) ended_(result);
}

void CaptureLoop::run_alone(JournalWriter& journal) {
  BatchWorker worker(run_, options_, memory_, 0, pool_);
  while (true) {
    std::vector<TokenizedDocument> documents = next_batch();
    if (documents.empty()) return;
    const auto num_documents = static_cast<double>(documents.size());
    double num_tokens = 0;
    for (const TokenizedDocument& document : documents) {
      num_tokens += static_cast<double>(document.ids.size());
    }
    const double journal_before = counts_.times.journal;
    BatchWorker::Result result =
        worker.compute(std::move(documents),
                       {.sink = [&](CaptureBlock&& block) { append(block, journal); },
                        .restart = [&] { journal.abandon(); },
                        .show = [&](double part) { show(part * num_documents, part * num_tokens); },
                        .warn = options_.warn});
    result.counts.times.journal = counts_.times.journal - journal_before;
    result.counts.times.forward -= result.counts.times.journal;
    end(std::move(result), journal);
    show();
  }
}

void CaptureLoop::run_team(JournalWriter& journal) {
  DeviceTeam team(run_, options_, memory_, pool_.num_threads());
  team.run({.take = [&] { return next_batch(); },
            .cancel = [&] { reader_.cancel(); },
            .finish =
                [&](DeviceTeam::Batch&& batch) {
                  for (const std::string& sentence : batch.warnings) {
                    if (options_.warn) options_.warn(sentence);
                  }
                  const double before = counts_.times.journal;
                  for (const CaptureBlock& block : batch.blocks) append(block, journal);
                  batch.result.counts.times.journal = counts_.times.journal - before;
                  end(std::move(batch.result), journal);
                },
            .show = [&](const DeviceTeam::Progress& all) { show(all.documents, all.tokens); }});
}

bool CaptureLoop::run(JournalWriter& journal, const Ended& ended) {
  ended_ = ended;
  show();
  if (options_.num_devices() > 1) {
    run_team(journal);
  } else {
    run_alone(journal);
  }
  counts_.times.tokenize += tokenize_seconds_;
  return !stopped_;
}

}  // namespace qk
