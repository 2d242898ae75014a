#include "dataset/dataset_writer.h"

#include "dataset/dataset_writing.h"

namespace qk {

DatasetSummary write_dataset(const JournalSet& journal, const std::filesystem::path& folder,
                             const DatasetOptions& options, ThreadPool& pool,
                             const std::function<void(int64_t, int64_t)>& progress) {
  DatasetWriting writing(journal, folder, options);
  writing.begin();
  return writing.finish(writing.write_all(pool, progress));
}

}  // namespace qk
