// The proof that a model is computed as a reference says: same weights, ids, layers and windows,
// and queries and keys within stated tolerances.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.h"
#include "verify/reference_info.h"
#include "verify/tolerance.h"

namespace qk {

struct Verification {
  ReferenceInfo reference;
  std::string reference_sha256;
  std::vector<IdentifiedFile> model_files;
  bool ids_compared = false;  // the reference has a text, and our ids of it are its ids
  int64_t num_tokens = 0, num_rows = 0;
  std::vector<VerifiedSite> sites;  // by layer, queries first

  // The one closest to its limit, or furthest beyond it.
  const VerifiedSite& worst() const;
  bool passed() const { return worst().excess <= 1; }
};

// Returns the tokenizer of the model; called only if the reference has a text.
using TokenizerSource = std::function<Tokenizer()>;

// Throws Error, one sentence, if the reference is damaged or not of this model: other weights (name
// or SHA-256), another set of layers, other windows, other ids for its text, arrays of another
// shape.
Verification verify(const Model& model, const std::filesystem::path& reference,
                    const TokenizerSource& tokenizer, ThreadPool& pool,
                    const ForwardOptions& options);

}  // namespace qk
