#include "ranks/rank_worker.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/stopped.h"
#include "dataset/journal_files.h"
#include "download/file_identity.h"
#include "journal/journal_index.h"
#include "model/source_files.h"
#include "ranks/probe.h"
#include "ranks/rank_agreement.h"
#include "ranks/rank_capture.h"
#include "ranks/rank_journals.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

}  // namespace

RankWorker::RankWorker(const PreparedRun& run, const RunOptions& options, Worker& worker)
    : run_(run), options_(options), worker_(worker) {
  options_.progress = {};
  options_.warn = {};  // rank 0 warns of what the answers say
}

void RankWorker::work() {
  while (const std::optional<Worker::Begin> stage = worker_.next_stage()) {
    std::string_view body;
    const StageKind kind = stage_kind(stage->text, body);
    begin(kind, body);
  }
  if (writing_) writing_->remove_rest();
}

void RankWorker::begin(StageKind kind, std::string_view body) {
  switch (kind) {
    case StageKind::kAgree:
      return agree(decode_agree_stage(body));
    case StageKind::kStage:
      return stage_weights_here();
    case StageKind::kSpread:
      return receive_weights_here(decode_spread_stage(body));
    case StageKind::kProbe:
      return probe_ranks();
    case StageKind::kDigest:
      return digest_files();
    case StageKind::kScan:
      return scan_journals(see_seconds_);
    case StageKind::kDocuments:
      return capture(decode_documents_stage(body));
    case StageKind::kOwn:
      return send_own_journal();
    case StageKind::kWrite:
      return write_units(decode_write_stage(body));
  }
}

ThreadPool& RankWorker::pool() {
  if (!pool_) pool_ = std::make_unique<ThreadPool>(options_.num_threads);
  return *pool_;
}

const MemoryPlan& RankWorker::memory() {
  if (!memory_) memory_ = plan_that_fits(run_, options_);
  return *memory_;
}

template <typename Answer>
void RankWorker::do_tasks(const Answer& answer) {
  while (const std::optional<CrewTask> task = worker_.next_task(/*wait=*/true)) {
    worker_.send_result(*task, answer(*task));
  }
}

void RankWorker::agree(const AgreeStage& stage) {
  see_seconds_ = stage.wait_seconds;
  const auto rank = static_cast<size_t>(worker_.rank());
  if (options_.num_threads == 0 && rank < stage.threads.size()) {
    options_.num_threads = stage.threads[rank];
  }
  const fs::path file = fs::path(run_.config.output.data_root) / stage.token_file;
  do_tasks([&](const CrewTask& /*task*/) { return encode_seen(sees_token(file, stage)); });
}

void RankWorker::stage_weights_here() {
  do_tasks([&](const CrewTask& task) {
    const RunContext context{run_, options_, memory(), pool(), false, {}};
    return encode(stage_on_node(context, decode_staging_task(task.text), staged_));
  });
}

void RankWorker::receive_weights_here(const SpreadStage& stage) {
  receive_weights({run_, options_, memory(), pool(), false, {}}, stage, worker_, staged_);
}

void RankWorker::probe_ranks() {
  do_tasks([&](const CrewTask& /*task*/) {
    memory();
    return probe(run_, options_, pool());
  });
}

void RankWorker::digest_files() {
  const std::vector<fs::path> files = source_files(run_.model);
  do_tasks([&](const CrewTask& task) -> std::string {
    const size_t index = std::stoul(task.text);
    if (index >= files.size()) {
      fail("expected {} files of the model as rank 0 has, found {}", index + 1, files.size());
    }
    const std::vector<IdentifiedFile> found =
        identify_files({&files[index], 1}, pool(), [](int64_t, int64_t) {});
    return found.empty() ? "" : found[0].sha256;
  });
}

void RankWorker::capture(const DocumentsStage& stage) {
  journal_ = journal_path(run_.config.output.data_root,
                          fmt::format("{}.{}", stage.journal_token, worker_.rank()));
  RankCapture({run_, options_, memory(), pool()}, worker_, stage).run(journal_);
}

void RankWorker::scan_journals(double wait_seconds) {
  const fs::path folder = journal_path(run_.config.output.data_root).parent_path();
  do_tasks([&](const CrewTask& task) {
    const fs::path path = folder / task.text;
    wait_for_bytes(path, 1, wait_seconds);
    return encode_index(JournalReader(path));
  });
}

void RankWorker::send_own_journal() {
  do_tasks([&](const CrewTask& /*task*/) {
    return journal_.empty() ? "" : encode_index(JournalReader(journal_));
  });
}

void RankWorker::write_units(WriteStage stage) {
  writing_.reset();
  journals_ = std::make_unique<JournalSet>(
      open_indexed(run_.config.output.data_root, stage.journals, stage.wait_seconds));
  writing_ = std::make_unique<DatasetWriting>(*journals_, run_.config.output.data_root,
                                              std::move(stage.options),
                                              fmt::format("{}.{}", stage.token, worker_.rank()));
  ThreadPool writers(memory().num_writers);
  try {
    do_tasks([&](const CrewTask& task) {
      return writing_->write_unit(static_cast<size_t>(task.id), writers, [&] {
        if (worker_.ended()) throw Stopped();
      });
    });
  } catch (const Stopped&) {  // NOLINT(bugprone-empty-catch): the stage has ended without this unit
  }
}

}  // namespace qk
