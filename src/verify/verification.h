// The proof that a model is computed as a reference says: same weights, ids, layers and windows,
// and queries and keys within stated tolerances.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/compare_reference.h"
#include "tokenizer/tokenizer.h"
#include "verify/reference_info.h"

namespace qk {

// Allowed at position p, in parts of the largest value of an array: base + p * 2^-24, where
//   base = 1e-5, or kFloat64Multiple times the reference's own distance from float64 where that is
//          more, but never more than 1e-4
//   2^-24 = one unit in the last place of a frequency just below 1 radian: libraries differ by one
//          in some frequencies, which turns the angle at p by so much. Not added where no angle has
//          come in yet: in the first layer before the rotary embedding.
inline constexpr double kLeastTolerance = 1e-5;
inline constexpr double kMostTolerance = 1e-4;
inline constexpr double kFloat64Multiple = 8;

struct VerifiedSite {
  SiteDifference difference;
  double allowed = 0;  // at the row that comes nearest to its limit, or passes it by most
  double excess = 0;   // largest difference / allowed of all rows; passed if <= 1
};

struct Verification {
  ReferenceInfo reference;
  std::string reference_sha256;
  std::vector<IdentifiedFile> model_files;
  bool ids_compared = false;  // the reference has a text, and our ids of it are its ids
  int64_t num_tokens = 0, num_rows = 0;
  std::vector<VerifiedSite> sites;  // by layer, queries first

  // The one that passes its limit by most, or comes nearest to it.
  const VerifiedSite& worst() const;
  bool passed() const { return worst().excess <= 1; }
};

// Gives the tokenizer of the model; called only if the reference has a text.
using TokenizerSource = std::function<Tokenizer()>;

// Throws Error, one sentence, if the reference is damaged or not of this model: other weights (name
// or SHA-256), another set of layers, other windows, other ids for its text, arrays of another
// shape.
Verification verify(const Model& model, const std::filesystem::path& reference,
                    const TokenizerSource& tokenizer, ThreadPool& pool,
                    const ForwardOptions& options);

}  // namespace qk
