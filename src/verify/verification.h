// The proof that a model is computed as a reference says: same weights, ids, layers and windows,
// and queries and keys of equal bits or within stated tolerances.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.h"
#include "verify/reference_info.h"
#include "verify/tolerance.h"

namespace qk {

enum class VerdictKind : uint8_t {
  kWithinTolerance,  // float32: no number is further away than allowed
  kEqualBits,        // half precision, the same torch on the same device: all bits are equal
  kWithinRms,        // half precision, else: root mean square and 99 % within what is allowed
};

struct Verification {
  ReferenceInfo reference;
  ComputedIn run;
  VerdictKind kind = VerdictKind::kWithinTolerance;
  std::string reference_sha256;
  std::vector<IdentifiedFile> model_files;
  bool ids_compared = false;  // the reference has a text, and our ids of it are its ids
  int64_t num_tokens = 0, num_rows = 0;
  std::vector<VerifiedSite> sites;  // by layer, queries first

  // The one closest to its limit, or furthest beyond it.
  const VerifiedSite& worst() const;
  bool passed() const { return worst().excess <= 1; }
};

// Our side of the comparison.
struct VerifiedRun {
  const Backend& backend = kCpuBackend;
  ComputedIn computed_in = {};
  ForwardOptions forward = {};
};

// Returns the tokenizer of the model; called only if the reference has a text.
using TokenizerSource = std::function<Tokenizer()>;

// Throws Error, one sentence, if the reference is damaged or not of this model: other weights (name
// or SHA-256), another set of layers, other windows, other ids for its text, arrays of another
// shape; or if it was computed in half precision, and the run computes in another type.
Verification verify(const Model& model, const std::filesystem::path& reference,
                    const TokenizerSource& tokenizer, ThreadPool& pool, const VerifiedRun& run);

}  // namespace qk
