// A weight of the host as a plugin takes it: dense numbers where they are, or rows on request.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "device/torch_api.h"

namespace qk {

// What it views outlives it; it may not move while a plugin knows its view.
class HostWeight {
 public:
  explicit HostWeight(const WeightMatrix& weight);
  explicit HostWeight(std::span<const float> vector);  // [1, n]

  QkHostWeight view() const;

 private:
  WeightMatrix weight_;
};

}  // namespace qk
