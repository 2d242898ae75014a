// From the `dataset` section to the files it means, in reading order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "corpus/corpus.h"
#include "corpus/file_format.h"
#include "download/resolver.h"

namespace qk {

struct CorpusFiles {
  std::filesystem::path root;      // what the names are relative to
  std::vector<std::string> names;  // with '/', in reading order
  FileFormat format = FileFormat::kParquet;
};

// dataset.path is, in this order: a file; a folder (its README's configs or the default rules, see
// data_files.h); a pattern (corpus/glob.h; all matches are split `train`); the id of a Hub dataset,
// whose snapshot is then such a folder, and must be complete. Throws Error as open_corpus() does.
CorpusFiles find_corpus_files(const CorpusConfig& config, Resolver& resolver);

}  // namespace qk
