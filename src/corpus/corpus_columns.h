// What columns a corpus has, for a user who has not named any yet.
#pragma once

#include <string>
#include <vector>

#include "corpus/corpus.h"

namespace qk {

struct CorpusColumn {
  std::string name;
  bool is_text = false;  // strings
  bool may_be_id = false;
  double mean_bytes = 0;  // of a value of a text column
};

// Those of the first file of the split, in its order: of Parquet from the footer, of JSON from the
// first rows, of text files the only one, "text". text_column and id_column are not looked at.
// Throws Error as open_corpus does as long as no row is read.
std::vector<CorpusColumn> corpus_columns(const CorpusConfig& config, Resolver& resolver);

// "text" if that is a column of texts, else the one with the longest. Throws Error that names the
// columns if there is none.
std::string find_text_column(const std::vector<CorpusColumn>& columns);

// The first of the usual names of ids that is a column; empty: there is none.
std::string find_id_column(const std::vector<CorpusColumn>& columns);

}  // namespace qk
