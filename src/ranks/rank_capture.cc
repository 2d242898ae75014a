#include "ranks/rank_capture.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace qk {
namespace {

// Documents are not read ahead if the limit is nearer than so many of the longest tasks so far: one
// that is read counts as begun.
constexpr double kTasksBeforeLimit = 4;

}  // namespace

RankCapture::RankCapture(const Means& means, Worker& worker, const DocumentsStage& stage)
    : means_(means), worker_(worker), stage_(stage), documents_(worker) {}

RunOptions RankCapture::loop_options() {
  RunOptions out = means_.options;
  out.shard.reset();
  out.time_limit = nullptr;  // rank 0 decides
  out.stop = &stop_;
  out.progress = [this](const RunProgress& progress) { show(progress); };
  out.warn = [this](const std::string& sentence) { pending_.warnings.push_back(sentence); };
  return out;
}

void RankCapture::show(const RunProgress& progress) {
  if (worker_.ended()) stop_ = true;
  worker_.show(
      encode(RankProgress{.documents = static_cast<double>(progress.done) + progress.in_progress,
                          .tokens = static_cast<double>(progress.num_tokens),
                          .seconds = progress.seconds}));
}

void RankCapture::end(const BatchWorker::Result& result) {
  const CaptureCounts& counts = result.counts;
  pending_.num_documents += counts.num_documents;
  pending_.num_tokens += counts.num_tokens;
  pending_.num_rows += counts.num_rows;
  pending_.num_computed_tokens += counts.num_computed_tokens;
  pending_.seconds += counts.times.select + counts.times.forward;
  for (const DocumentEnd& end : result.ends) {
    const std::optional<RankDocuments::Ended> ended = documents_.end(end.document, end.num_tokens);
    if (!ended) continue;
    longest_task_ = std::max(longest_task_, pending_.seconds);
    pending_.task_tokens = ended->num_tokens;
    worker_.send_result(ended->task, encode(std::exchange(pending_, {})));
  }
  const bool is_near = stage_.seconds_left > 0 &&
                       clock_.seconds() + kTasksBeforeLimit * longest_task_ > stage_.seconds_left;
  if (is_near) documents_.limit_open(means_.options.num_devices());
}

void RankCapture::run(const std::filesystem::path& journal) {
  JournalWriter writer = JournalWriter::create(journal, stage_.header);
  const RunOptions options = loop_options();
  CaptureLoop loop(means_.run, options, means_.memory, means_.pool, documents_, {});
  try {
    loop.run(writer, [this](const BatchWorker::Result& result) { end(result); });
  } catch (...) {
    documents_.close();  // a thread of the loop may wait for the next one
    throw;
  }
  documents_.close();
}

}  // namespace qk
