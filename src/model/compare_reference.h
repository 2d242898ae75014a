// Queries and keys of this program next to those of a reference, taken from the same weights and
// token ids: the proof that a model is computed as Hugging Face computes it.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "model/forward.h"
#include "model/model.h"

namespace qk {

// What a reference file (safetensors) holds.
struct Reference {
  std::vector<int32_t> ids;   // tensor "ids" [tokens] I32: one sequence
  std::vector<int32_t> rows;  // tensor "rows" [rows] I32, ascending: tokens whose vectors are kept
  // "L<layer>.<q|k>_<pre|post>" [rows, heads, head_dim] F32
  std::map<std::pair<int, Site>, std::vector<float>> vectors;
};

// Throws Error if a tensor is missing, has another type, or does not fit the others.
Reference read_reference(const std::filesystem::path& path);

struct SiteDifference {
  int layer = 0;
  Site site = Site::kQueryPreRope;
  double max_difference = 0;  // largest |ours - reference|, infinity if one is NaN
  double max_reference = 0;   // largest |reference|

  double ratio() const { return max_reference > 0 ? max_difference / max_reference : 0; }
};

// Runs the model on the reference's ids and compares every site the reference holds.
// Throws Error if a size does not fit the model.
std::vector<SiteDifference> compare_with_reference(const Model& model, const Backend& backend,
                                                   ThreadPool& pool, const Reference& reference,
                                                   const ForwardOptions& options);

// The largest ratio of all; infinity if there is nothing to compare.
double worst_ratio(std::span<const SiteDifference> differences);

}  // namespace qk
