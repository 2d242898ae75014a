// The plugin's table: each entry calls a function of this folder and turns exceptions into QkStatus.
#include <memory>
#include <string>

#include "device/torch_api.h"
#include "torch/attention.h"
#include "torch/device.h"
#include "torch/errors.h"
#include "torch/memory.h"
#include "torch/operations.h"
#include "torch/taps.h"
#include "torch/weights.h"

namespace qk_torch {
namespace {

template <typename Function>
int32_t guarded(const Function& function) {
  try {
    function();
    return QK_OK;
  } catch (...) {
    return keep_current_exception();
  }
}

// For calls of a device: remembers that it is lost, also where torch's words do not say so.
template <typename Function>
int32_t on_device(QkDevice* device, const Function& function) {
  if (device == nullptr) return keep_error(QK_FAILED, "a call without a device");
  if (device->lost) return keep_error(QK_DEVICE_LOST, "the device was lost by an earlier call");
  const int32_t status = guarded([&] {
    const DeviceCall call(*device);
    function();
  });
  device->lost = status == QK_DEVICE_LOST || (status != QK_OK && !answers(*device));
  return device->lost ? static_cast<int32_t>(QK_DEVICE_LOST) : status;
}

// For what gives memory back and cannot fail.
template <typename Function>
void give_back(QkDevice* device, const Function& function) {
  on_device(device, function);
}

int32_t api_count_devices(const char* kind, int32_t* count, const char** why) {
  *count = 0;
  *why = "";
  return guarded([&] { *count = count_devices(kind, why); });
}

int32_t api_open(const QkOpen* options, QkDevice** out) {
  *out = nullptr;
  return guarded([&] { *out = open_device(*options).release(); });
}

int32_t api_describe(QkDevice* device, int64_t head_dim, const char** json) {
  return on_device(device, [&] { *json = describe(*device, head_dim).c_str(); });
}

int32_t api_memory(QkDevice* device, int64_t* free_bytes, int64_t* total_bytes) {
  return on_device(device, [&] { memory(*device, *free_bytes, *total_bytes); });
}

int32_t api_synchronize(QkDevice* device) {
  return on_device(device, [&] { synchronize(*device); });
}

int32_t api_alloc(QkDevice* device, int32_t host, int64_t bytes, void** out) {
  *out = nullptr;
  return on_device(device, [&] { *out = alloc(*device, host != 0, bytes); });
}

void api_close(QkDevice* device) {
  guarded([&] { close_device(std::unique_ptr<QkDevice>(device)); });
}

void api_free(QkDevice* device, void* data) {
  give_back(device, [&] { free(*device, data); });
}

int32_t api_bind(QkDevice* device, const QkHostWeight* weight, QkWeight** out) {
  return on_device(device, [&] { *out = bind(*device, *weight); });
}

void api_unbind(QkDevice* device, QkWeight* weight) {
  give_back(device, [&] { unbind(*device, *weight); });
}

int32_t api_prefetch(QkDevice* device, QkWeight* const* weights, int64_t count) {
  return on_device(device, [&] { prefetch(*device, weights, count); });
}

int32_t api_drop(QkDevice* device, QkWeight* const* weights, int64_t count) {
  return on_device(device, [&] { drop(*device, weights, count); });
}

int32_t api_embedding(QkDevice* device, const QkHostWeight* table, const int32_t* ids,
                      int64_t count, float scale, QkMatrix out) {
  return on_device(device, [&] { embedding(*device, *table, ids, count, scale, out); });
}

int32_t api_rms_norm(QkDevice* device, QkMatrix x, QkWeight* weight, float eps, int32_t norm,
                     QkMatrix out) {
  return on_device(device, [&] { rms_norm(*device, x, *weight, eps, norm, out); });
}

int32_t api_linear(QkDevice* device, QkMatrix x, const QkLinearJob* jobs, int64_t count) {
  return on_device(device, [&] { linear(*device, x, jobs, count); });
}

int32_t api_rope_table(QkDevice* device, const float* frequencies, int64_t count, float factor,
                       int64_t first, QkMatrix cos, QkMatrix sin) {
  return on_device(device,
                   [&] { rope_table(*device, frequencies, count, factor, first, cos, sin); });
}

int32_t api_rope(QkDevice* device, QkHeads x, QkMatrix cos, QkMatrix sin, int32_t layout) {
  return on_device(device, [&] { rope(*device, x, cos, sin, layout); });
}

int32_t api_scale_rows(QkDevice* device, QkMatrix x, const float* factors) {
  return on_device(device, [&] { scale_rows(*device, x, factors); });
}

int32_t api_gated_activation(QkDevice* device, QkMatrix gate, QkMatrix up, int32_t activation) {
  return on_device(device, [&] { gated_activation(*device, gate, up, activation); });
}

int32_t api_add(QkDevice* device, QkMatrix x, QkMatrix y) {
  return on_device(device, [&] { add(*device, x, y); });
}

int32_t api_gather_rows(QkDevice* device, QkMatrix x, const int32_t* rows, int64_t count,
                        QkMatrix out) {
  return on_device(device, [&] { gather_rows(*device, x, rows, count, out); });
}

int32_t api_gather_taps(QkDevice* device, QkHeads x, const int32_t* rows, int64_t num_rows,
                        const int32_t* heads, int64_t num_heads, float* out, int64_t* ticket) {
  return on_device(
      device, [&] { *ticket = gather_taps(*device, x, rows, num_rows, heads, num_heads, out); });
}

int32_t api_finish_taps(QkDevice* device, int64_t ticket, int64_t* row) {
  return on_device(device, [&] { *row = finish_taps(*device, ticket); });
}

int32_t api_mark(QkDevice* device, int64_t* moment) {
  return on_device(device, [&] { *moment = mark(*device); });
}

int32_t api_seconds_between(QkDevice* device, int64_t begin, int64_t end, double* seconds) {
  return on_device(device, [&] { *seconds = seconds_between(*device, begin, end); });
}

int32_t api_kv_store(QkDevice* device, QkCache cache, int64_t first, QkHeads k, QkHeads v) {
  return on_device(device, [&] { kv_store(*device, cache, first, k, v); });
}

int32_t api_attention(QkDevice* device, QkHeads q, QkCache cache, const QkAttention* shape,
                      QkHeads out) {
  return on_device(device, [&] { attention(*device, q, cache, *shape, out); });
}

// 0 for a type that torch does not compute in.
int64_t api_kv_bytes(int32_t type, int64_t tokens, int64_t num_heads, int64_t head_dim) {
  int64_t bytes = 0;
  guarded([&] { bytes = kv_bytes(type, tokens, num_heads, head_dim); });
  return bytes;
}

int64_t api_scratch_bytes(QkDevice* device, const QkScratch* shape) {
  return scratch_bytes(*device, *shape);
}

void api_forget_marks(QkDevice* device) { device->moments.clear(); }

constexpr QkTorchApi kApi = {
    .api_version = QK_TORCH_API_VERSION,
    .last_error = last_error,
    .count_devices = api_count_devices,
    .open = api_open,
    .close = api_close,
    .describe = api_describe,
    .memory = api_memory,
    .synchronize = api_synchronize,
    .alloc = api_alloc,
    .free = api_free,
    .bind = api_bind,
    .unbind = api_unbind,
    .prefetch = api_prefetch,
    .drop = api_drop,
    .embedding = api_embedding,
    .rms_norm = api_rms_norm,
    .linear = api_linear,
    .rope_table = api_rope_table,
    .rope = api_rope,
    .scale_rows = api_scale_rows,
    .gated_activation = api_gated_activation,
    .add = api_add,
    .gather_rows = api_gather_rows,
    .gather_taps = api_gather_taps,
    .finish_taps = api_finish_taps,
    .mark = api_mark,
    .seconds_between = api_seconds_between,
    .forget_marks = api_forget_marks,
    .kv_bytes = api_kv_bytes,
    .kv_store = api_kv_store,
    .attention = api_attention,
    .scratch_bytes = api_scratch_bytes,
};

}  // namespace
}  // namespace qk_torch

extern "C" {

// Read from the file before it is loaded: torch_api.h. NOLINTNEXTLINE(readability-identifier-naming)
__attribute__((used, visibility("default"))) extern const char qkscope_torch_mark[] =
    QK_TORCH_MARK QK_TORCH_VERSION "\n" QK_TORCH_FOLDER;

__attribute__((visibility("default"))) const QkTorchApi* qkscope_torch_api(int32_t api_version) {
  return api_version == QK_TORCH_API_VERSION ? &qk_torch::kApi : nullptr;
}
}
