// Settings of a capture that suit a model and the lengths of the documents: docs/config.md, "A
// first configuration".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "capture/design.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "draft/length_sample.h"

namespace qk {

struct Draft {
  SniffConfig config;
  // Why a key has its value, by its name in the file: "tokenizer.max_length". Sentences.
  std::map<std::string, std::string> reasons;

  // What the run takes, as the planner of `sniff --dry-run` reckons it.
  CapturePlan plan;
  std::vector<BucketDesign> buckets;
  double documents = 0, tokens = 0;  // that are computed
  double rows = 0;                   // of all heads
  double bytes = 0;                  // of these before compression; twice as much with the journal
  std::vector<std::string> warnings;
};

// config: with the names of model, corpus and output; settings of the sampler are replaced.
Draft draft_settings(const SniffConfig& config, const Model& model, const LengthSample& lengths);

}  // namespace qk
