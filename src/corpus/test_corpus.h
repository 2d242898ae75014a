// For tests only: a corpus on this machine.
#pragma once

#include <memory>

#include "corpus/corpus.h"
#include "download/local_resolver.h"

namespace qk {

inline std::unique_ptr<Corpus> open_local(const CorpusConfig& config) {
  LocalResolver resolver;
  return open_corpus(config, resolver);
}

}  // namespace qk
