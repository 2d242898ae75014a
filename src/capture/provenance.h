// What is in the footer of every file of a dataset: where it comes from, and the geometry of
// the model that its vectors belong to. Both are JSON objects with a fixed order of keys, without
// times, host names or folders of the machine: two runs of the same inputs give the same text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/plan.h"
#include "download/file_identity.h"
#include "verify/computed_in.h"

namespace qk {

struct RunIdentity {
  std::vector<IdentifiedFile> model_files;
  std::string tokenizer_sha256;
  std::string corpus_sha256;
  int64_t num_corpus_files = 0;
  std::string certificate;  // a JSON object (verify/certificate.h), or empty
  ComputedIn computed_in;
};

// Model, tokenizer, corpus, configuration (config_json), the type that was computed in, the device
// if it is one of torch, seed, version and commit, and the certificate of `verify` if there is one.
std::string provenance_json(const SniffConfig& config, const RunIdentity& identity);

// Heads, GQA map, softmax scale, the sets of rotary parameters; per layer its window, its set, the
// captured heads or why there are none.
std::string geometry_json(const CapturePlan& plan, const ModelConfig& model,
                          const Architecture& architecture);

}  // namespace qk
