#include "ranks/rank_leader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/stopped.h"
#include "capture/finished_before.h"
#include "capture/run_clock.h"
#include "dataset/folder_lock.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "model/source_files.h"
#include "ranks/every_rank.h"
#include "ranks/rank_agreement.h"
#include "ranks/rank_progress.h"
#include "ranks/rank_staging.h"
#include "ranks/rank_worker.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// With --overwrite nothing is removed yet: a start that is stopped before it has a journal leaves
// all as it was (RankLeader::begin_journals).
Start start_of(const RunOptions& options, bool resumes) {
  return resumes || options.overwrite ? Start::kResume : Start::kNew;
}

template <typename T>
std::vector<bool> has_value(const std::vector<std::optional<T>>& values) {
  std::vector<bool> out;
  out.reserve(values.size());
  for (const std::optional<T>& value : values) out.push_back(value.has_value());
  return out;
}

}  // namespace

RankLeader::RankLeader(const PreparedRun& run, const RanksOptions& options, Leader& leader,
                       RunReport& report)
    : run_(run), options_(options), leader_(leader), report_(report) {}

void RankLeader::warn(const std::string& sentence) const {
  if (options_.run.warn) options_.run.warn(sentence);
}

void RankLeader::agree() {
  const std::vector<RankFacts>& ranks = ranks_;
  placed_ = place_ranks(rooms_of(ranks));
  for (const std::string& sentence : placement_warnings(rooms_of(ranks))) warn(sentence);
  AgreeStage stage{.token_file = ".qkscope/ranks." + token_,
                   .token = token_,
                   .wait_seconds = options_.see_seconds,
                   .threads = {}};
  for (const Placement& place : placed_) stage.threads.push_back(place.num_threads);
  if (num_threads_ == 0) num_threads_ = placed_[0].num_threads;
  const MomentaryFile file(folder() / stage.token_file, token_);
  std::vector<std::optional<bool>> sees(ranks.size());
  const bool is_done =
      ask_every_rank(leader_, StageKind::kAgree, encode(stage), [&](CrewResult&& result) {
        sees[static_cast<size_t>(result.id)] = decode_seen(result.text);
      });
  if (!is_done) throw Stopped();
  check_folder(ranks, sees, run_.config.output.data_root);
  leave_out_silent(has_value(sees));
}

void RankLeader::leave_out_silent(const std::vector<bool>& answered) {
  for (size_t i = 0; i < answered.size(); ++i) {
    const int rank = static_cast<int>(i);
    if (answered[i] || !left_out_.insert(rank).second) continue;
    leader_.leave_out(rank);
    warn(fmt::format("{}: takes no part, since it was lost while the ranks were compared",
                     hosts_[i]));
  }
}

// All nodes are taken to be like the first.
void RankLeader::warn_of_memory(const MemoryPlan& memory) const {
  const int64_t needed = memory.base + std::max(memory.work, memory.finish);
  const std::string sentence = memory_warning(ranks_[0].room, placed_[0], needed);
  if (!sentence.empty()) warn(sentence);
}

void RankLeader::compare_probes() {
  std::vector<std::optional<std::string>> probes(ranks_.size());
  const bool is_done = ask_every_rank(leader_, StageKind::kProbe, {}, [&](CrewResult&& result) {
    probes[static_cast<size_t>(result.id)] = std::move(result.text);
  });
  if (!is_done) throw Stopped();
  check_probes(ranks_, probes);
  leave_out_silent(has_value(probes));
}

std::vector<RankDigest> RankLeader::stage_weights_on_nodes(const RunContext& context) {
  if (options_.run.stage.mode == StageMode::kOff) return {};
  const RunClock clock;
  std::optional<WeightSpread> spread = choose_spread(context, nodes_, options_.spread);
  if (spread) {
    spread->piece_bytes = options_.spread_piece;
    spread->show = [&](int64_t done, int64_t total, const std::vector<RankState>& states) {
      show({.phase = Phase::kStage, .done = done, .total = total, .seconds = clock.seconds()},
           states);
    };
  }
  StagedRanks staged = stage_on_nodes(leader_, nodes_, hosts_, spread);
  for (const auto& [rank, sentence] : staged.warnings) {
    apart_.insert(rank);
    warn(fmt::format("{}: {}", hosts_[static_cast<size_t>(rank)], sentence));
  }
  report_.stage = staged.place;
  report_.staged_bytes = staged.bytes;
  report_.staged_on_others = staged.num_sent;
  report_.times.stage = clock.seconds();
  return std::move(staged.digests);
}

std::vector<IdentifiedFile> RankLeader::digest_files(std::vector<RankDigest> digests,
                                                     ThreadPool& pool) {
  const std::vector<fs::path> files = source_files(run_.model);
  const std::vector<DigestTask> tasks =
      digest_tasks(ranks_, left_out_, std::ssize(files), digests, apart_);
  size_t next = 0;
  int64_t bytes = 0, total = 0;
  const auto size_of = [&](const DigestTask& task) {
    std::error_code error;
    const uintmax_t size = fs::file_size(files[static_cast<size_t>(task.file)], error);
    return error ? int64_t{0} : static_cast<int64_t>(size);
  };
  for (const DigestTask& task : tasks) total += size_of(task);
  const RunClock clock;
  const bool is_done =
      leader_.run_stage({.text = stage_text(StageKind::kDigest),
                         .next = [&]() -> std::optional<CrewTask> {
                           if (next == tasks.size()) return std::nullopt;
                           const DigestTask& task = tasks[next];
                           return CrewTask{.id = static_cast<int64_t>(next++),
                                           .size = static_cast<double>(size_of(task)),
                                           .text = std::to_string(task.file),
                                           .rank = task.rank};
                         },
                         .take =
                             [&](CrewResult&& result) {
                               const DigestTask& task = tasks[static_cast<size_t>(result.id)];
                               bytes += size_of(task);
                               // Empty: not downloaded, and in no list.
                               if (result.text.empty()) return;
                               digests.push_back({result.rank, task.file, std::move(result.text)});
                             },
                         .show =
                             [&](const std::vector<RankState>& states) {
                               show({.phase = Phase::kIdentify,
                                     .done = bytes,
                                     .total = total,
                                     .seconds = clock.seconds()},
                                    states);
                             }});
  if (!is_done) throw Stopped();
  std::vector<fs::path> paths;
  std::map<fs::path, std::string> known;
  for (const auto& [file, digest] : agreed_digests(ranks_, digests, files)) {
    paths.push_back(files[static_cast<size_t>(file)]);
    known[paths.back()] = digest;
  }
  return identify_files(paths, pool, {}, known);
}

void RankLeader::show(const RunProgress& progress, const std::vector<RankState>& states) const {
  if (!options_.progress) return;
  options_.progress(ranks_progress(progress, states));
}

int RankLeader::run_with(const RunContext& context, const std::string& finished) {
  const RunClock clock;
  std::vector<RankDigest> digests;
  if (finished.empty()) digests = stage_weights_on_nodes(context);
  std::vector<IdentifiedFile> files = digest_files(std::move(digests), context.pool);
  // After the digests: of values that differ because weights do, these say the cause.
  if (finished.empty()) compare_probes();
  const RunRecord record = identify_run(context, std::move(files));
  report_.times.identify = clock.seconds();
  if (!finished.empty()) {
    check_finished(folder(), finished, record.provenance, options_.run.device_reason());
    report_.was_whole = true;
    return 0;
  }
  return capture(context, record);
}

int RankLeader::lead() {
  const RunClock total;
  RunOptions options = options_.run;
  options.progress = {};
  try {
    ranks_ = hear_ranks(leader_);
    for (size_t i = 0; i < ranks_.size(); ++i) {
      hosts_.push_back(rank_name(ranks_[i], i));
      nodes_.push_back(ranks_[i].room.node);
    }
    const FolderLock lock(folder(), Sharing::kAlone,
                          {.warn = options.warn, .check = [this] { leader_.check(); }});
    token_ = lock.token();
    report_.journal = journal_path(folder()).parent_path();
    const bool resumes = options.continues() && !journal_paths(folder()).empty();
    report_.resumed = resumes;
    const std::string finished = finished_before(folder(), options, resumes);
    if (finished.empty()) {
      prepare_output_folder(folder(), start_of(options, resumes));
      if (!run_.config.compat_reference) refuse_foreign_document_table(folder());
    }
    num_threads_ = options.num_threads;
    agree();
    options.num_threads = num_threads_;
    ThreadPool pool(num_threads_);
    const MemoryPlan memory = plan_that_fits(run_, options);
    warn_of_memory(memory);
    const int code =
        run_with({run_, options, memory, pool, resumes, journal_path(folder(), token_)}, finished);
    report_.times.total = total.seconds();
    if (const auto now = process_memory()) report_.peak_bytes = now->peak;
    return code;
  } catch (const Stopped&) {
    report_.stopped = true;
    report_.must_overwrite = options.overwrite && !has_journals_;
    return kRanksStopped;
  }
}

}  // namespace qk
