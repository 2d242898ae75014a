// The part of rank 0's lead in which documents are captured.
#include <fmt/format.h>

#include "base/error.h"
#include "base/stopped.h"
#include "capture/resume.h"
#include "capture/run_clock.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "journal/journal.h"
#include "ranks/documents_in_time.h"
#include "ranks/rank_documents.h"
#include "ranks/rank_journals.h"
#include "ranks/rank_leader.h"
#include "ranks/rank_progress.h"

namespace qk {

bool RankLeader::deal_documents(const RunContext& context, const RunRecord& record,
                                const EarlierWork& earlier, CorpusDocuments& source,
                                CaptureCounts& counts) {
  DocumentTasks tasks(
      source, task_limits(run_, context.memory, leader_.num_ranks(), std::ssize(earlier.done)));
  const DocumentsStage stage{.journal_token = token_,
                             .header = to_text({record.provenance, earlier.overwrite}),
                             .ends_at = end_of(options_.run.time_limit)};
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

EarlierWork RankLeader::begin_journals(const RunContext& context, const RunRecord& record) {
  EarlierWork earlier{.overwrite = options_.run.overwrite};
  if (context.resumes) earlier.overwrite = overwrites(journal_paths(folder()), context, record);
  if (options_.run.overwrite) prepare_output_folder(folder(), Start::kOverwrite);
  // A header alone: the next start is to know it, even if no rank comes to a whole document.
  if (earlier.overwrite) JournalWriter::create(context.journal, to_text({record.provenance, true}));
  has_journals_ = true;
  if (!context.resumes) return earlier;
  remove_empty_journals(folder());  // but those of this start
  if (journal_paths(folder()).empty()) return earlier;
  return earlier_work(JournalSet(open_indexed(folder(), journals(), options_.see_seconds)), context,
                      record);
}

int RankLeader::capture(const RunContext& context, const RunRecord& record) {
  const EarlierWork earlier = begin_journals(context, record);
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

}  // namespace qk
