// One tensor as a model file describes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace qk {

struct StoredTensor {
  std::string name;
  std::string dtype_name;            // as the file spells it: "BF16", "F8_E4M3", "Q4_K"
  std::optional<DType> dtype;        // empty: a type that we do not compute with
  std::vector<int64_t> shape;        // outermost axis first, also for GGUF
  std::span<const std::byte> bytes;  // mapped, valid as long as the file object
  std::string file;                  // name for messages, "model-00002-of-00004.safetensors"
  // Why the bytes cannot be used: "is not in a.safetensors, where the index says it is". Empty: they
  // can. A tensor that no file holds has no type, shape and bytes.
  std::string fault = {};
};

// For messages: "[512, 4096]"; more than six axes are cut with "...".
std::string shape_text(std::span<const int64_t> shape);

}  // namespace qk
