// Weights of the host in the device's memory: loaded at their first use or before, dropped and loaded
// again as often as needed, with the same bits each time.
#pragma once

#include <cstdint>
#include <optional>

#include "torch/device.h"

struct QkWeight {
  QkHostWeight host{};
  at::Tensor value;                 // undefined: not loaded
  std::optional<c10::Event> ready;  // of the copying stream, until the first use
};

namespace qk_torch {

QkWeight* bind(QkDevice& device, const QkHostWeight& weight);
void unbind(QkDevice& device, QkWeight& weight);
// Enqueues the loading of those that are not loaded, once the memory of what was dropped is free; on the
// cpu it does nothing: the first use loads.
void prefetch(QkDevice& device, QkWeight* const* weights, int64_t count);
void drop(QkDevice& device, QkWeight* const* weights, int64_t count);

// [rows, cols] for the next operation of the device's order.
const at::Tensor& value_of(QkDevice& device, QkWeight& weight);

// Rows ids[0], ids[1], ... of a table of the host in the device's memory, as stored or as float32: as many
// of them as go through a block of pinned memory, at least one. REQUIRES: count > 0.
at::Tensor rows_of_host(QkDevice& device, const QkHostWeight& table, const int32_t* ids,
                        int64_t count);

}  // namespace qk_torch
