#include "ranks/rank_leader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process_memory.h"
#include "base/stopped.h"
#include "capture/finished_before.h"
#include "capture/resume.h"
#include "dataset/dataset_writing.h"
#include "dataset/folder_lock.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "model/source_files.h"
#include "ranks/documents_in_time.h"
#include "ranks/rank_agreement.h"
#include "ranks/rank_documents.h"
#include "ranks/rank_journals.h"
#include "ranks/rank_progress.h"
#include "ranks/rank_worker.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

Start start_of(const RunOptions& options, bool resumes) {
  if (resumes) return Start::kResume;
  return options.overwrite ? Start::kOverwrite : Start::kNew;
}

// A small file that other nodes are to see; gone when the object is.
class TokenFile {
 public:
  TokenFile(fs::path path, const std::string& token) : path_(std::move(path)) {
    write_file(path_, token);
  }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;
  ~TokenFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
};

}  // namespace

RankLeader::RankLeader(const PreparedRun& run, const RanksOptions& options, Leader& leader,
                       RunReport& report)
    : run_(run), options_(options), leader_(leader), report_(report) {}

void RankLeader::warn(const std::string& sentence) const {
  if (options_.run.warn) options_.run.warn(sentence);
}

bool RankLeader::every_rank(StageKind kind, std::string_view body,
                            const std::function<void(CrewResult&&)>& take) {
  int next = 0;
  return leader_.run_stage({.text = stage_text(kind, body),
                            .next = [&]() -> std::optional<CrewTask> {
                              if (next == leader_.num_ranks()) return std::nullopt;
                              const int rank = next++;
                              return CrewTask{.id = rank, .text = {}, .rank = rank};
                            },
                            .take = take});
}

std::vector<RankFacts> RankLeader::hear_all() {
  std::vector<RankFacts> ranks;
  for (const std::string& hello : leader_.hellos()) {
    ranks.push_back(parse_rank_facts(hello, static_cast<int>(ranks.size())));
  }
  check_agreement(ranks);
  return ranks;
}

void RankLeader::agree(const std::vector<RankFacts>& ranks) {
  const std::vector<Placement> placed = place_ranks(rooms_of(ranks));
  for (const std::string& sentence : placement_warnings(rooms_of(ranks))) warn(sentence);
  AgreeStage stage{.token_file = ".qkscope/ranks." + token_,
                   .token = token_,
                   .wait_seconds = options_.see_seconds,
                   .threads = {}};
  for (const Placement& place : placed) stage.threads.push_back(place.num_threads);
  if (num_threads_ == 0) num_threads_ = placed[0].num_threads;
  const TokenFile file(folder() / stage.token_file, token_);
  std::vector<std::optional<AgreeAnswer>> answers(ranks.size());
  const bool is_done = every_rank(StageKind::kAgree, encode(stage), [&](CrewResult&& result) {
    answers[static_cast<size_t>(result.id)] = decode_agree_answer(result.text);
  });
  if (!is_done) throw Stopped();
  check_answers(ranks, answers, run_.config.output.data_root);
}

std::vector<IdentifiedFile> RankLeader::digest_files() {
  const std::vector<fs::path> files = source_files(run_.model);
  std::vector<IdentifiedFile> out;
  size_t next = 0;
  int64_t bytes = 0, total = 0;
  std::error_code error;
  for (const fs::path& file : files) total += static_cast<int64_t>(fs::file_size(file, error));
  const RunClock clock;
  const bool is_done = leader_.run_stage(
      {.text = stage_text(StageKind::kDigest),
       .next = [&]() -> std::optional<CrewTask> {
         if (next == files.size()) return std::nullopt;
         const auto size = static_cast<double>(fs::file_size(files[next], error));
         return CrewTask{.id = static_cast<int64_t>(next++), .size = size, .text = {}};
       },
       .take =
           [&](CrewResult&& result) {
             for (const nlohmann::json& file : nlohmann::json::parse(result.text)) {
               out.push_back({file.at(0), file.at(1), file.at(2)});
               bytes += out.back().bytes;
             }
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
  std::ranges::sort(out, {}, &IdentifiedFile::name);
  return out;
}

void RankLeader::show(const RunProgress& progress, const std::vector<RankState>& states) const {
  if (!options_.progress) return;
  options_.progress(ranks_progress(progress, states));
}

bool RankLeader::deal_documents(const RunContext& context, const RunRecord& record,
                                const EarlierWork& earlier, CorpusDocuments& source,
                                CaptureCounts& counts) {
  DocumentTasks tasks(
      source, task_limits(run_, context.memory, leader_.num_ranks(), std::ssize(earlier.done)));
  const DocumentsStage stage{.journal_token = token_,
                             .header = to_text({record.provenance, earlier.overwrite}),
                             .seconds_left = seconds_left(options_.run.time_limit)};
  DocumentsInTime in_time(options_.run.time_limit);
  const RunClock clock;
  counts = earlier.counts;
  const bool is_done = leader_.run_stage(
      {.text = stage_text(StageKind::kDocuments, encode(stage)),
       .next = [&] { return tasks.next(); },
       .may_begin = [&](const CrewTask& task) { return in_time.may_begin(task, counts); },
       .take =
           [&](CrewResult&& result) {
             const DocumentsAnswer answer = decode_documents_answer(result.text);
             in_time.end(result.id, answer);
             captured_.insert(result.rank);
             for (const std::string& sentence : answer.warnings) {
               warn(fmt::format("{}: {}", hosts_[static_cast<size_t>(result.rank)], sentence));
             }
             add(answer, counts);
           },
       .show =
           [&](const std::vector<RankState>& states) {
             show(capture_progress(run_, counts, states, clock.seconds()), states);
           }});
  counts.times.forward = clock.seconds();  // of all ranks at once
  report_.out_of_time = in_time.sentence();
  return is_done;
}

int RankLeader::capture(const RunContext& context, const RunRecord& record) {
  EarlierWork earlier;
  earlier.overwrite = options_.run.overwrite;
  if (context.resumes) {
    remove_empty_journals(folder());
    if (!journal_paths(folder()).empty()) {
      earlier = earlier_work(JournalSet(open_indexed(folder(), journals(), options_.see_seconds)),
                             context, record);
    }
  }
  CorpusDocuments source(run_, earlier.done);
  Captured captured;
  captured.overwrite = earlier.overwrite;
  try {
    captured.stopped = !deal_documents(context, record, earlier, source, captured.counts);
    if (!captured.stopped) check_rows(run_.config, captured.counts);
  } catch (const Error& fault) {
    settle(fault, captured.counts);
  }
  report_.stopped = captured.stopped;
  report_.counts = captured.counts;
  if (captured.stopped) {
    remove_empty_journals(folder());
    return kRanksStopped;
  }
  captured.num_documents = source.num_read();
  captured.document_names = source.names();
  return finish(context, record, captured);
}

void RankLeader::settle(const Error& fault, const CaptureCounts& counts) const {
  try {
    remove_empty_journals(folder());
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first error is the one to report
  }
  if (counts.num_documents == 0) throw Error(fault.what());
  fail("{}; {} kept: use --resume to continue", fault.what(),
       counts.num_documents == 1
           ? "the whole document of the journals is"
           : fmt::format("the {} whole documents of the journals are", counts.num_documents));
}

std::vector<WriteStage::Journal> RankLeader::journals() {
  std::set<std::string> names;
  for (const fs::path& path : journal_paths(folder())) names.insert(path.filename());
  for (const int rank : captured_) names.insert(journal_name(rank));  // perhaps not seen yet
  std::vector<std::string> unknown;
  for (const std::string& name : names) {
    if (!known_.contains(name)) unknown.push_back(name);
  }
  size_t next = 0;
  const bool is_done = leader_.run_stage(
      {.text = stage_text(StageKind::kScan),
       .next = [&]() -> std::optional<CrewTask> {
         if (next == unknown.size()) return std::nullopt;
         const auto id = static_cast<int64_t>(next);
         return CrewTask{.id = id, .text = unknown[next++]};
       },
       .take =
           [&](CrewResult&& result) {
             known_[unknown[static_cast<size_t>(result.id)]] = std::move(result.text);
           }});
  if (!is_done) throw Stopped();
  std::vector<WriteStage::Journal> out;
  for (const std::string& name : names) out.push_back({name, known_[name]});
  return out;
}

std::string RankLeader::journal_name(int rank) const {
  return journal_path(folder(), fmt::format("{}.{}", token_, rank)).filename();
}

DatasetSummary RankLeader::write(const std::vector<WriteStage::Journal>& files,
                                 const JournalSet& journals, const DatasetOptions& options,
                                 const CaptureCounts& counts) {
  DatasetWriting writing(journals, folder(), options, token_);
  writing.begin();
  std::vector<std::string> results(writing.units().size());
  size_t next = 0;
  int64_t num_files = 0;
  const RunClock clock;
  const bool is_done = leader_.run_stage(
      {.text = stage_text(StageKind::kWrite, encode(WriteStage{.journals = files,
                                                               .options = options,
                                                               .token = token_,
                                                               .wait_seconds = options_.see_seconds,
                                                               .writes = writing_ranks(nodes_)})),
       .next = [&]() -> std::optional<CrewTask> {
         if (next == results.size()) return std::nullopt;
         const auto size = static_cast<double>(writing.units()[next].num_files());
         return CrewTask{.id = static_cast<int64_t>(next++), .size = size, .text = {}};
       },
       .take =
           [&](CrewResult&& result) {
             const auto unit = static_cast<size_t>(result.id);
             results[unit] = std::move(result.text);
             num_files += static_cast<int64_t>(writing.units()[unit].num_files());
           },
       .show =
           [&](const std::vector<RankState>& states) {
             show({.phase = Phase::kWrite,
                   .done = num_files,
                   .total = writing.num_files(),
                   .num_tokens = counts.num_tokens,
                   .num_rows = counts.num_rows,
                   .seconds = clock.seconds()},
                  states);
           }});
  if (!is_done) throw Stopped();
  return writing.finish(results);
}

int RankLeader::finish(const RunContext& context, const RunRecord& record,
                       const Captured& captured) {
  const RunClock clock;
  const bool is_done = every_rank(StageKind::kOwn, {}, [&](CrewResult&& result) {
    if (result.text.empty()) return;
    known_[journal_name(static_cast<int>(result.id))] = std::move(result.text);
  });
  if (!is_done) throw Stopped();
  const std::vector<WriteStage::Journal> files = journals();
  const JournalSet journals(open_indexed(folder(), files, options_.see_seconds));
  report_.counts.num_documents = std::ssize(journals.documents());
  report_.counts.num_tokens = 0;
  for (const DocumentEnd& end : journals.documents()) report_.counts.num_tokens += end.num_tokens;
  Finished made =
      make_dataset(context, record, captured, journals,
                   [&](const JournalSet& /*journals*/, const DatasetOptions& options) {
                     return write(files, journals, options, report_.counts);
                   });
  report_.times.write = clock.seconds();
  report_.stopped = made.stopped;
  report_.documents = made.documents;
  report_.dataset = std::move(made.dataset);
  return made.stopped ? kRanksStopped : 0;
}

int RankLeader::run_with(const RunContext& context, const std::string& finished) {
  const RunClock clock;
  const RunRecord record = identify_run(context, digest_files());
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
    const std::vector<RankFacts> ranks = hear_all();
    for (size_t i = 0; i < ranks.size(); ++i) {
      hosts_.push_back(rank_name(ranks[i], i));
      nodes_.push_back(ranks[i].room.host);
    }
    const FolderLock lock(folder());
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
    agree(ranks);
    options.num_threads = num_threads_;
    ThreadPool pool(num_threads_);
    const MemoryPlan memory = plan_of_rank(run_, options);
    const int code =
        run_with({run_, options, memory, pool, resumes, journal_path(folder(), token_)}, finished);
    report_.times.total = total.seconds();
    if (const auto now = process_memory()) report_.peak_bytes = now->peak;
    return code;
  } catch (const Stopped&) {
    report_.stopped = true;
    return kRanksStopped;
  }
}

}  // namespace qk
