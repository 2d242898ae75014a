#include "torch/weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/StreamGuard.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "torch/errors.h"

namespace qk_torch {
namespace {

// Of rows in a block: what host_memory adds makes it a power of two.
constexpr int64_t kMostBytes = QK_STAGING_BYTES - kBytesBeforeHostMemory;

bool stored_plainly(const QkHostWeight& host) {
  return host.data != nullptr &&
         (host.type == QK_F32 || host.type == QK_F16 || host.type == QK_BF16);
}

// What reading a weight's rows gives.
c10::ScalarType type_of_rows(const QkHostWeight& host) {
  return stored_plainly(host) ? scalar_type(host.type) : c10::ScalarType::Float;
}

int64_t bytes_of_row(const QkHostWeight& host) {
  return host.cols * static_cast<int64_t>(c10::elementSize(type_of_rows(host)));
}

// Rows [first, first + count) into out of type_of_rows.
void read_rows(const QkHostWeight& host, int64_t first, int64_t count, void* out) {
  if (stored_plainly(host)) {
    const int64_t row_bytes = bytes_of_row(host);
    std::memcpy(out, static_cast<const char*>(host.data) + first * row_bytes,
                static_cast<size_t>(count * row_bytes));
  } else if (host.read_rows(host.source, first, count, static_cast<float*>(out)) != 0) {
    throw Failure("rows " + std::to_string(first) + " to " + std::to_string(first + count - 1) +
                  " of a weight could not be read");
  }
}

int64_t rows_per_block(const QkHostWeight& host) {
  return std::max<int64_t>(1, kMostBytes / std::max<int64_t>(1, bytes_of_row(host)));
}

void released(const QkHostWeight& host) {
  if (host.release != nullptr) host.release(host.source);
}

at::Tensor load_on_host(const QkDevice& device, const QkHostWeight& host) {
  const c10::ScalarType stored = type_of_rows(host);
  if (stored_plainly(host)) {
    // Never written to: torch has no tensors of constant data.
    at::Tensor all = at::from_blob(const_cast<void*>(host.data), {host.rows, host.cols}, stored);
    at::Tensor value = all.to(device.type);  // itself where the types are equal
    if (value.const_data_ptr() != host.data) released(host);
    return value;
  }
  at::Tensor value = at::empty({host.rows, host.cols}, device.options());
  const int64_t step = std::min(rows_per_block(host), host.rows);
  at::Tensor block = at::empty({step, host.cols}, stored);
  for (int64_t first = 0; first < host.rows; first += step) {
    const int64_t count = std::min(step, host.rows - first);
    read_rows(host, first, count, block.mutable_data_ptr());
    value.narrow(0, first, count).copy_(block.narrow(0, 0, count));
  }
  released(host);
  return value;
}

// The next block of pinned memory, once the copy out of it is done.
StagingBlock& next_staging(QkDevice& device, int64_t bytes) {
  if (device.staging.empty()) device.staging.resize(QK_STAGING_BLOCKS);
  StagingBlock& block = device.staging[device.next_staging];
  device.next_staging = (device.next_staging + 1) % device.staging.size();
  if (block.copied) block.copied->synchronize();
  block.copied.reset();
  if (!block.bytes.defined() || block.bytes.numel() < bytes) {
    block.bytes = host_memory(device, {std::max(bytes, kMostBytes)}, c10::ScalarType::Byte);
  }
  return block;
}

// The first `rows` of what stands in a block, in the device's memory. Copies on the given stream.
at::Tensor from_staging(const QkDevice& device, StagingBlock& block, const QkHostWeight& host,
                        int64_t rows, const c10::Stream& stream) {
  const at::Tensor stored =
      at::from_blob(block.bytes.mutable_data_ptr(), {rows, host.cols}, type_of_rows(host));
  c10::Event copied(device.device.type());
  at::Tensor copy = stored.to(device.device, /*non_blocking=*/true);
  copied.record(stream);
  block.copied = std::move(copied);
  return copy;
}

// Also for loading at the first use: else the host, which runs ahead, would load layer after layer.
void wait_for_dropped(QkDevice& device) {
  if (!device.dropped) return;
  device.dropped->synchronize();
  device.dropped.reset();
}

// Allocates and copies on the copying stream; compute waits for `ready` before it reads.
void load_on_gpu(QkDevice& device, QkWeight& weight) {
  wait_for_dropped(device);
  const c10::StreamGuard copying(*device.copy);
  const QkHostWeight& host = weight.host;
  at::Tensor value = at::empty({host.rows, host.cols}, device.options());
  const int64_t step = rows_per_block(host);
  for (int64_t first = 0; first < host.rows; first += step) {
    const int64_t count = std::min(step, host.rows - first);
    StagingBlock& block = next_staging(device, count * bytes_of_row(host));
    read_rows(host, first, count, block.bytes.mutable_data_ptr());
    // Rounded on the device: a copy that changes the type would first do so on the host.
    value.narrow(0, first, count).copy_(from_staging(device, block, host, count, *device.copy));
  }
  released(host);
  c10::Event ready(device.device.type());
  ready.record(*device.copy);
  value.record_stream(*device.compute);
  weight.ready = std::move(ready);
  weight.value = value;
}

}  // namespace

QkWeight* bind(QkDevice& device, const QkHostWeight& weight) {
  auto bound = std::make_unique<QkWeight>();
  bound->host = weight;
  QkWeight* const handle = bound.get();
  device.weights.emplace(handle, std::move(bound));
  return handle;
}

void unbind(QkDevice& device, QkWeight& weight) {
  QkWeight* const only = &weight;
  drop(device, &only, 1);
  device.weights.erase(&weight);
}

void prefetch(QkDevice& device, QkWeight* const* weights, int64_t count) {
  if (device.on_host()) return;
  for (int64_t i = 0; i < count; ++i) {
    if (!weights[i]->value.defined()) load_on_gpu(device, *weights[i]);
  }
}

void drop(QkDevice& device, QkWeight* const* weights, int64_t count) {
  const auto loaded = [](const QkWeight* weight) { return weight->value.defined(); };
  if (std::none_of(weights, weights + count, loaded)) return;
  if (!device.on_host()) device.dropped = event_now(device);
  for (int64_t i = 0; i < count; ++i) {
    // record_stream: the memory is used again only after the work enqueued until now.
    weights[i]->value.reset();
    weights[i]->ready.reset();
  }
}

const at::Tensor& value_of(QkDevice& device, QkWeight& weight) {
  if (!weight.value.defined()) {
    if (device.on_host()) {
      weight.value = load_on_host(device, weight.host);
    } else {
      load_on_gpu(device, weight);
    }
  }
  if (weight.ready) {
    weight.ready->block(*device.compute);
    weight.ready.reset();
  }
  return weight.value;
}

at::Tensor rows_of_host(QkDevice& device, const QkHostWeight& table, const int32_t* ids,
                        int64_t count) {
  const int64_t row_bytes = bytes_of_row(table);
  count = std::min(count, rows_per_block(table));
  const auto read_into = [&](void* out) {
    for (int64_t i = 0; i < count; ++i) {
      if (ids[i] < 0 || ids[i] >= table.rows) {
        throw Failure("id " + std::to_string(ids[i]) + " is outside the table's " +
                      std::to_string(table.rows) + " rows");
      }
      read_rows(table, ids[i], 1, static_cast<char*>(out) + i * row_bytes);
    }
  };
  if (device.on_host()) {
    at::Tensor rows = at::empty({count, table.cols}, type_of_rows(table));
    read_into(rows.mutable_data_ptr());
    return rows;
  }
  StagingBlock& block = next_staging(device, count * row_bytes);
  read_into(block.bytes.mutable_data_ptr());
  return from_staging(device, block, table, count, *device.compute);
}

}  // namespace qk_torch
