#include "ranks/rank_capture.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ranks/documents_in_time.h"

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
  const double seconds_of_token = result.seconds_of_token();
  for (const DocumentEnd& end : result.ends) {
    const auto seconds = seconds_of_token * static_cast<double>(end.num_tokens);
    const auto ended = documents_.end(end.document, end.num_tokens, seconds);
    if (!ended) continue;
    longest_task_ = std::max(longest_task_, ended->seconds);
    pending_.seconds = ended->seconds;
    pending_.task_tokens = ended->num_tokens;
    worker_.send_result(ended->task, encode(std::exchange(pending_, {})));
  }
  const bool is_near =
      stage_.ends_at > 0 && system_seconds() + kTasksBeforeLimit * longest_task_ > stage_.ends_at;
  if (is_near) documents_.limit_open(means_.options.num_devices());
}

void RankCapture::run(const std::filesystem::path& journal) {
  JournalWriter writer = JournalWriter::create(journal, stage_.header);
  const RunOptions options = loop_options();
  CaptureLoop loop(means_.run, options, means_.memory, means_.pool, documents_, {});
  loop.run(writer, [this](const BatchWorker::Result& result) { end(result); });
}

}  // namespace qk
