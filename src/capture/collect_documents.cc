#include <algorithm>

#include "capture/corpus_documents.h"
#include "capture/earlier_work.h"
#include "capture/run_steps.h"

namespace qk {

Captured collect_documents(const RunContext& context, const RunRecord& record,
                           const JournalSet& journals) {
  const EarlierWork earlier = earlier_work(journals, context, record);
  CorpusDocuments source(context.run, {});
  while (source.next(true)) check_stop(context.options);
  Captured out{.overwrite = earlier.overwrite, .counts = earlier.counts};
  out.num_documents = source.num_read();
  out.document_names = source.names();
  out.num_shards = earlier.num_shards;
  for (int64_t document = 0; document < out.num_documents; ++document) {
    if (!std::ranges::binary_search(earlier.done, document)) out.missing.push_back(document);
  }
  if (out.missing.empty()) check_rows(context.run.config, out.counts);
  return out;
}

}  // namespace qk
