// The part of rank 0's lead in which the dataset is written from the journals of all ranks.
#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "base/stopped.h"
#include "capture/run_clock.h"
#include "dataset/dataset_writing.h"
#include "dataset/journal_files.h"
#include "ranks/every_rank.h"
#include "ranks/rank_journals.h"
#include "ranks/rank_leader.h"

namespace qk {

namespace fs = std::filesystem;

std::vector<WriteStage::Journal> RankLeader::journals() {
  std::set<std::string> names;
  for (const fs::path& path : journal_paths(folder())) names.insert(path.filename());
  for (const int rank : captured_) names.insert(journal_name(rank));  // perhaps not seen yet
  std::vector<std::string> unknown;
  for (const std::string& name : names) {
    if (!known_.contains(name)) unknown.push_back(name);
  }
  size_t next = 0;
  const bool is_done = leader_.run_stage({.text = stage_text(StageKind::kScan),
                                          .next = [&]() -> std::optional<CrewTask> {
                                            if (next == unknown.size()) return std::nullopt;
                                            const auto id = static_cast<int64_t>(next);
                                            return CrewTask{.id = id, .text = unknown[next++]};
                                          },
                                          .take =
                                              [&](CrewResult&& result) {
                                                known_[unknown[static_cast<size_t>(result.id)]] =
                                                    std::move(result.text);
                                              }});
  if (!is_done) throw Stopped();
  std::vector<WriteStage::Journal> out;
  out.reserve(names.size());
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
      {.text =
           stage_text(StageKind::kWrite, encode(WriteStage{.journals = files,
                                                           .options = options,
                                                           .token = token_,
                                                           .wait_seconds = options_.see_seconds})),
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
           },
       .ranks = writing_ranks(nodes_)});
  if (!is_done) throw Stopped();
  return writing.finish(results);
}

int RankLeader::finish(const RunContext& context, const RunRecord& record,
                       const Captured& captured) {
  const RunClock clock;
  const bool is_done = ask_every_rank(leader_, StageKind::kOwn, {}, [&](CrewResult&& result) {
    if (result.text.empty()) return;
    known_[journal_name(static_cast<int>(result.id))] = std::move(result.text);
  });
  if (!is_done) throw Stopped();
  const std::vector<WriteStage::Journal> files = journals();
  const JournalSet journals(open_indexed(folder(), files, options_.see_seconds));
  report_.counts.num_documents = std::ssize(journals.documents());
  report_.counts.num_tokens = 0;
  for (const DocumentEnd& end : journals.documents()) report_.counts.num_tokens += end.num_tokens;
  Finished made = make_dataset(context, record, captured, journals,
                               [&](const JournalSet& /*journals*/, const DatasetOptions& options) {
                                 return write(files, journals, options, report_.counts);
                               });
  report_.times.write = clock.seconds();
  report_.stopped = made.stopped;
  report_.documents = made.documents;
  report_.dataset = std::move(made.dataset);
  return made.stopped ? kRanksStopped : 0;
}

}  // namespace qk
