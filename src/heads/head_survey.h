// What lies in the folders of a dataset's heads, before any row is read: the files, what is left
// unread, and whether the footers can belong to one capture.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "dataset/dataset_folder.h"
#include "heads/dataset_record.h"

namespace qk {

// The files that an analysis reads, and what it leaves. compat_reference: data.parquet alone where
// there is one, as in the original.
HeadFolder files_to_read(const std::filesystem::path& folder, bool compat_reference);

struct HeadSurvey {
  DatasetRecord record;  // of the footer that most files have
  // Heads with a file whose footer contradicts that one, with a sentence that names both files.
  std::map<ConfigName, std::string> contradictions;
  // Heads with a file without our footer, if other files have one.
  std::set<ConfigName> unrecorded;
  // Heads whose model has another name, though the same files, with a sentence.
  std::map<ConfigName, std::string> renamed;
  std::map<ConfigName, std::vector<DatasetProblem>> unread;
  bool has_pre_rope = false;  // some file has the column vector_pre_rope
};

// Files that cannot be opened are passed over: they are reported when their head is read.
HeadSurvey survey_heads(const std::filesystem::path& folder, const std::vector<ConfigName>& heads,
                        bool compat_reference, ThreadPool& pool);

}  // namespace qk
