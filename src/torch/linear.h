// Products with weights.
#pragma once

#include <optional>

#include "torch/device.h"

namespace qk_torch {

// What the last product of neighbouring jobs wrote to `y`, as columns of that product: transformers
// activates its halves in place, and elementwise functions may differ in the last bit between dense and
// strided arrays. Nothing if y is not one of its results.
std::optional<at::Tensor> columns_of_product(const QkDevice& device, const QkMatrix& y);
void forget_product(QkDevice& device);

}  // namespace qk_torch
