// What a run computes in: the type of its activations, and where. Both decide its bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/dtype.h"

namespace qk {

struct ComputedIn {
  DType dtype = DType::kF32;
  std::string device =
      {};  // JSON: a description (device/devices.h) and the sizes of chunks; empty:
           // our own kernels

  bool on_torch() const { return !device.empty(); }
};

// "float32", "float16" or "bfloat16". REQUIRES: one of these types.
std::string_view torch_name(DType dtype);
std::optional<DType> parse_torch_name(std::string_view name);

// A device of torch, as a description or a reference names it. A text that is not known is empty.
struct NamedDevice {
  std::string kind;        // "cpu", "cuda"
  std::string name;        // of the processor or the GPU
  std::string capability;  // "AVX512", "9.0"
  std::string torch;       // "2.9.1+cu128"
};

// REQUIRES: on_torch().
NamedDevice torch_device(const ComputedIn& run);

// "bfloat16 on NVIDIA H200, torch 2.9.1+cu128", "float32 on our own kernels"
std::string computed_in_text(const ComputedIn& run);

// The same operations are known to give the same bits: everything is known and equal. The build of
// torch (after "+") counts on a GPU, if both name it.
bool same_device(const NamedDevice& a, const NamedDevice& b);

}  // namespace qk
