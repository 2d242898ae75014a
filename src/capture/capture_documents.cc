#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "capture/capture_loop.h"
#include "capture/failed_run.h"
#include "capture/resume.h"
#include "capture/run_steps.h"
#include "dataset/overwrite.h"
#include "journal/journal.h"

namespace qk {
namespace {

struct OpenJournal {
  JournalWriter writer;
  std::vector<int64_t> done;  // documents that are whole in it, ascending
  CaptureCounts counts;       // of these
  bool overwrite = false;     // as its header says
};

// Documents are begun in order: one that is not whole, below one that is, was lost.
std::vector<int64_t> lost_documents(const JournalReader& journal) {
  std::vector<int64_t> lost = journal.lost();
  int64_t expected = 0;
  for (const DocumentEnd& end : journal.documents()) {
    for (; expected < end.document; ++expected) {
      if (!std::ranges::binary_search(journal.lost(), expected)) lost.push_back(expected);
    }
    ++expected;
  }
  std::ranges::sort(lost);
  return lost;
}

std::string damage_text(const JournalReader& journal) {
  const std::vector<int64_t> lost = lost_documents(journal);
  const size_t num_places = journal.damage().size();
  return fmt::format(
      "{}: damaged at byte {}{}; {}", journal.path().string(), journal.damage().front(),
      num_places == 1 ? "" : fmt::format(" and in {} more places", num_places - 1),
      lost.empty() ? "the lost documents have already been recomputed"
                   : fmt::format("document{} {} {} computed again", lost.size() == 1 ? "" : "s",
                                 fmt::join(lost, ", "), lost.size() == 1 ? "is" : "are"));
}

CaptureCounts counts_of(const JournalReader& journal) {
  CaptureCounts out;
  for (const DocumentEnd& end : journal.documents()) out.num_tokens += end.num_tokens;
  for (const JournalReader::Group& group : journal.groups()) {
    for (const JournalReader::Record& record : group.records) {
      const JournalReader::Entry entry = journal.entry(record);
      out.num_rows += entry.rows * std::ssize(entry.heads);
      journal.drop_head(entry);
    }
  }
  out.num_documents = out.num_documents_before = std::ssize(journal.documents());
  out.num_tokens_before = out.num_tokens;
  return out;
}

OpenJournal resume_journal(const RunContext& context, const RunRecord& record,
                           const std::filesystem::path& path) {
  const JournalReader journal(path);
  const JournalHeader header = parse_journal_header(journal.header(), path);
  const std::string difference =
      provenance_difference(header.provenance, record.provenance, context.options.device_reason());
  if (!difference.empty()) {
    fail("{}: is the journal of another run: {}; --overwrite discards it", path.string(),
         difference);
  }
  if (!journal.damage().empty() && context.options.warn) {
    context.options.warn(damage_text(journal));
  }
  std::vector<int64_t> done;
  for (const DocumentEnd& end : journal.documents()) done.push_back(end.document);
  const CaptureCounts counts = counts_of(journal);
  return {JournalWriter::resume(journal), std::move(done), counts, header.overwrite};
}

OpenJournal open_journal(const RunContext& context, const RunRecord& record) {
  const std::filesystem::path path = journal_path(context.run.config.output.data_root);
  if (context.resumes) return resume_journal(context, record, path);
  const bool overwrite = context.options.overwrite;
  return {JournalWriter::create(path, to_text({record.provenance, overwrite})), {}, {}, overwrite};
}

void check_rows(const SniffConfig& config, const CaptureCounts& counts) {
  if (counts.num_rows > 0) return;
  const std::string& path = config.dataset.path;
  if (counts.num_documents == 0) fail("dataset.path: {} holds no document", path);
  if (counts.num_tokens == 0) fail("dataset.path: no document of {} has a token", path);
  fail(
      "capture.sampler: no row was drawn from {} tokens; a larger base_rate or a smaller "
      "min_bucket_size draws more",
      counts.num_tokens);
}

}  // namespace

Captured capture_documents(const RunContext& context, const RunRecord& record) {
  const SniffConfig& config = context.run.config;
  OpenJournal journal = open_journal(context, record);
  CaptureLoop loop(context.run, context.options, context.memory, context.pool, journal.done,
                   journal.counts);
  try {
    JournalWriter writer = std::move(journal.writer);  // closed before the journal is removed
    const bool stopped = !loop.run(writer);
    if (!stopped) check_rows(config, loop.counts());
    if (stopped) return {true, journal.overwrite, loop.counts(), {}};
    return {false, journal.overwrite, loop.counts(), loop.document_names()};
  } catch (const Error& fault) {
    settle_journal(fault, config.output.data_root, loop.counts());
    throw;
  }
}

}  // namespace qk
