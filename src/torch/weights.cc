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

constexpr int64_t kStagingBytes = int64_t{32} << 20;

bool stored_plainly(const QkHostWeight& host) {
  return host.data != nullptr &&
         (host.type == QK_F32 || host.type == QK_F16 || host.type == QK_BF16);
}

// What reading a weight's rows gives.
c10::ScalarType type_of_rows(const QkHostWeight& host) {
  return stored_plainly(host) ? scalar_type(host.type) : c10::ScalarType::Float;
}

// Rows [first, first + count) into out of type_of_rows.
void read_rows(const QkHostWeight& host, int64_t first, int64_t count, void* out) {
  if (stored_plainly(host)) {
    const auto row_bytes = host.cols * static_cast<int64_t>(c10::elementSize(type_of_rows(host)));
    std::memcpy(out, static_cast<const char*>(host.data) + first * row_bytes,
                static_cast<size_t>(count * row_bytes));
  } else if (host.read_rows(host.source, first, count, static_cast<float*>(out)) != 0) {
    throw Failure("rows " + std::to_string(first) + " to " + std::to_string(first + count - 1) +
                  " of a weight could not be read");
  }
}

int64_t rows_per_block(const QkHostWeight& host) {
  const auto element = static_cast<int64_t>(c10::elementSize(type_of_rows(host)));
  return std::max<int64_t>(1, kStagingBytes / std::max<int64_t>(1, host.cols * element));
}

at::Tensor load_on_host(const QkDevice& device, const QkHostWeight& host) {
  const c10::ScalarType stored = type_of_rows(host);
  if (stored_plainly(host)) {
    // Never written to: torch has no tensors of constant data.
    at::Tensor all = at::from_blob(const_cast<void*>(host.data), {host.rows, host.cols}, stored);
    return all.to(device.type);  // itself where the types are equal
  }
  at::Tensor value = at::empty({host.rows, host.cols}, device.options());
  const int64_t step = std::min(rows_per_block(host), host.rows);
  at::Tensor block = at::empty({step, host.cols}, stored);
  for (int64_t first = 0; first < host.rows; first += step) {
    const int64_t count = std::min(step, host.rows - first);
    read_rows(host, first, count, block.mutable_data_ptr());
    value.narrow(0, first, count).copy_(block.narrow(0, 0, count));
  }
  return value;
}

// The next of two blocks of pinned memory, once the copy out of it is done.
StagingBlock& next_staging(QkDevice& device, int64_t bytes) {
  if (device.staging.empty()) device.staging.resize(2);
  StagingBlock& block = device.staging[device.next_staging];
  device.next_staging = 1 - device.next_staging;
  if (block.copied) block.copied->synchronize();
  block.copied.reset();
  if (!block.bytes.defined() || block.bytes.numel() < bytes) {
    block.bytes = at::empty({std::max(bytes, kStagingBytes)},
                            at::TensorOptions().dtype(c10::ScalarType::Byte).pinned_memory(true));
  }
  return block;
}

// Allocates and copies on the copying stream; compute waits for `ready` before it reads.
void load_on_gpu(QkDevice& device, QkWeight& weight) {
  const c10::StreamGuard copying(*device.copy);
  const QkHostWeight& host = weight.host;
  const c10::ScalarType stored = type_of_rows(host);
  const auto row_bytes = host.cols * static_cast<int64_t>(c10::elementSize(stored));
  at::Tensor value = at::empty({host.rows, host.cols}, device.options());
  const int64_t step = rows_per_block(host);
  for (int64_t first = 0; first < host.rows; first += step) {
    const int64_t count = std::min(step, host.rows - first);
    StagingBlock& block = next_staging(device, count * row_bytes);
    read_rows(host, first, count, block.bytes.mutable_data_ptr());
    const at::Tensor rows =
        at::from_blob(block.bytes.mutable_data_ptr(), {count, host.cols}, stored);
    // Rounded on the device: a copy that changes the type would first do so on the host.
    value.narrow(0, first, count).copy_(rows.to(device.device, /*non_blocking=*/true));
    block.copied.emplace(device.device.type());
    block.copied->record(*device.copy);
  }
  value.record_stream(*device.compute);
  weight.ready.emplace(device.device.type());
  weight.ready->record(*device.copy);
  weight.value = value;
}

}  // namespace

QkWeight* bind(QkDevice& device, const QkHostWeight& weight) {
  auto bound = std::make_unique<QkWeight>();
  bound->host = weight;
  device.weights.push_back(std::move(bound));
  return device.weights.back().get();
}

void prefetch(QkDevice& device, QkWeight* const* weights, int64_t count) {
  if (device.on_host()) return;
  for (int64_t i = 0; i < count; ++i) {
    if (!weights[i]->value.defined()) load_on_gpu(device, *weights[i]);
  }
}

void drop(QkDevice&, QkWeight* const* weights, int64_t count) {
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

at::Tensor rows_of_host(const QkDevice& device, const QkHostWeight& table, const int32_t* ids,
                        int64_t count) {
  const auto options =
      at::TensorOptions().dtype(type_of_rows(table)).pinned_memory(!device.on_host());
  at::Tensor rows = at::empty({count, table.cols}, options);
  const auto row_bytes = table.cols * static_cast<int64_t>(rows.element_size());
  auto* out = static_cast<char*>(rows.mutable_data_ptr());
  for (int64_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || ids[i] >= table.rows) {
      throw Failure("id " + std::to_string(ids[i]) + " is outside the table's " +
                    std::to_string(table.rows) + " rows");
    }
    read_rows(table, ids[i], 1, out + i * row_bytes);
  }
  return rows;
}

}  // namespace qk_torch
