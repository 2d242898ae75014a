#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "capture/capture_loop.h"
#include "capture/corpus_documents.h"
#include "capture/earlier_work.h"
#include "capture/failed_run.h"
#include "capture/resume.h"
#include "capture/run_steps.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"
#include "journal/journal.h"
#include "journal/journal_set.h"

namespace qk {
namespace {

struct OpenJournal {
  JournalWriter writer;
  EarlierWork earlier;
};

const JournalReader* find_file(const JournalSet& journals, const std::filesystem::path& path) {
  for (const JournalReader& file : journals.files()) {
    if (file.path() == path) return &file;
  }
  return nullptr;
}

JournalWriter create_journal(const RunContext& context, const RunRecord& record, bool overwrite) {
  return JournalWriter::create(context.journal,
                               to_text({record.provenance, overwrite, context.options.shard}));
}

// A run by itself goes on in its own journal; those of shards are never written to.
OpenJournal open_journal(const RunContext& context, const RunRecord& record) {
  std::optional<JournalSet> journals;
  if (context.resumes) journals = open_earlier_journals(context, record);
  if (!journals) {
    const bool overwrite = context.options.overwrite;
    return {create_journal(context, record, overwrite), {.overwrite = overwrite}};
  }
  EarlierWork earlier = earlier_work(*journals, context, record);
  const JournalReader* own = find_file(*journals, context.journal);
  JournalWriter writer = own != nullptr ? JournalWriter::resume(*own)
                                        : create_journal(context, record, earlier.overwrite);
  return {std::move(writer), std::move(earlier)};
}

Captured captured_of(const CaptureLoop& loop, const CorpusDocuments& source, bool stopped,
                     bool overwrite) {
  Captured out{.stopped = stopped,
               .out_of_time = loop.out_of_time(),
               .overwrite = overwrite,
               .counts = loop.counts()};
  if (stopped) return out;
  out.num_documents = source.num_read();
  out.document_names = source.names();
  return out;
}

}  // namespace

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

Captured capture_documents(const RunContext& context, const RunRecord& record) {
  const std::optional<Shard>& shard = context.options.shard;
  OpenJournal journal = open_journal(context, record);
  remove_empty_journals(context.run.config.output.data_root);
  CorpusDocuments source(context.run, journal.earlier.done, shard);
  CaptureLoop loop(context.run, context.options, context.memory, context.pool, source,
                   journal.earlier.counts);
  try {
    JournalWriter writer = std::move(journal.writer);  // closed before the journal is removed
    const bool stopped = !loop.run(writer);
    if (!stopped && !shard) check_rows(context.run.config, loop.counts());
    return captured_of(loop, source, stopped, journal.earlier.overwrite);
  } catch (const Error& fault) {
    settle_journal(fault, context.journal, loop.counts(), context.options);
    throw;
  }
}

}  // namespace qk
