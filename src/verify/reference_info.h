// What a reference file (tools/make_reference.py, docs/verify.md) says about itself in its
// metadata.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "download/file_identity.h"
#include "model/compare_reference.h"
#include "verify/computed_in.h"

namespace qk {

inline constexpr std::string_view kReferenceFormat = "qkscope.reference.1";

// How far the arrays of a reference in half precision are from a float32 run, relative to the
// largest value: the root of the mean square, and the distance that 99 % do not exceed.
struct HalfDistance {
  double rms = 0, tail = 0;
};

struct ReferenceInfo {
  std::string model;                  // the name of its folder or file
  std::vector<IdentifiedFile> files;  // that it was made from
  std::string transformers, torch;    // versions
  DType dtype = DType::kF32;          // that it was computed in
  NamedDevice device;                 // that computed it; older files do not name it
  // Per layer: no value: the layer does not run; 0: it has no window; else the window in tokens
  std::vector<std::optional<int64_t>> windows;
  // Per array the distance of the float32 reference from a float64 run, relative to the largest
  // value. Empty if it was not measured.
  std::map<std::pair<int, Site>, double> float64;
  // The same for a reference in half precision and a float32 run.
  std::map<std::pair<int, Site>, HalfDistance> float32;
  std::optional<std::string> text;  // that the ids come from, cut to max_length tokens
  int64_t max_length = 0;
};

// Throws Error if a key is missing or does not have the form that docs/verify.md gives.
ReferenceInfo read_reference_info(const Reference& reference);

}  // namespace qk
