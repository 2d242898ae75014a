// Queries and keys of this program next to those of a reference, taken from the same weights and
// token ids: the proof that a model is computed as Hugging Face computes it.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "model/forward.h"
#include "model/model.h"

namespace qk {

// What a reference file (safetensors) holds.
struct Reference {
  std::string file;           // for messages
  std::vector<int32_t> ids;   // tensor "ids" [tokens] I32: one sequence
  std::vector<int32_t> rows;  // tensor "rows" [rows] I32, ascending: tokens whose vectors are kept
  // "L<layer>.<q|k>_<pre|post>" [rows, heads, head_dim] F32
  std::map<std::pair<int, Site>, std::vector<float>> vectors;
  std::map<std::string, std::string> metadata;  // the file's own, not used here
};

// "L12.q_pre": the tensor of a layer and site.
std::string reference_name(int layer, Site site);

// Throws Error if a tensor is missing, has another type or shape than the others imply, or holds a
// number that is not finite.
Reference read_reference(const std::filesystem::path& path);

struct SiteDifference {
  int layer = 0;
  Site site = Site::kQueryPreRope;
  double max_difference = 0;  // largest |ours - reference|
  double rms_difference = 0;  // root of the mean of (ours - reference)^2
  double max_reference = 0;   // largest |reference|
  // The largest |ours - reference| of each row, in parts of max_reference
  std::vector<double> row_ratios = {};
  // |ours - reference| is at most this for 99 % of the numbers
  double tail_difference = 0;
  int64_t num_numbers = 0, num_unequal = 0;  // unequal: other bits; 0 and -0 are equal

  double ratio() const { return part_of_largest(max_difference); }
  double typical() const { return part_of_largest(rms_difference); }
  double tail() const { return part_of_largest(tail_difference); }
  // Infinity if there is a difference from a reference of zeros.
  double part_of_largest(double apart) const;
};

// Runs the model on the reference's ids and compares every site the reference holds, in the order
// of the layers.
// Throws Error if a size does not fit the model.
std::vector<SiteDifference> compare_with_reference(const Model& model, const Backend& backend,
                                                   ThreadPool& pool, const Reference& reference,
                                                   const ForwardOptions& options);

// The largest ratio of all; infinity if there is nothing to compare.
double worst_ratio(std::span<const SiteDifference> differences);

}  // namespace qk
