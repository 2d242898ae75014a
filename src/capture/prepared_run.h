// Everything that a run needs, opened and checked. Nothing is written yet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "capture/config.h"
#include "capture/plan.h"
#include "corpus/corpus.h"
#include "download/resolver.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace qk {

struct PreparedRun {
  SniffConfig config;  // with the warnings of prepare_run after those of load_config
  Model model;
  CapturePlan plan;
  Tokenizer tokenizer;
  std::unique_ptr<Corpus> corpus;
};

// The longest context in tokens that the model is made for; scaled rotary embeddings extend it. 0: not
// known.
int64_t longest_context(const ModelConfig& model);

// resolver: finds model, tokenizer and corpus, and brings what is read of them; with plan_only, not
// the weights: Model::unbrought. Without opens_corpus, of a process that gets its documents from
// another, the corpus is left alone, and PreparedRun::corpus knows of no document. Throws Error: one of them not found or damaged, or a
// plan that captures nothing.
PreparedRun prepare_run(SniffConfig config, std::span<const Architecture* const> registry,
                        Resolver& resolver, bool plan_only = false, bool opens_corpus = true);

}  // namespace qk
