// For tests only: a plugin without torch. Its device (test_fake_device.h) computes in float32 on the host by
// our own kernels, so that its results are the cpu backend's, copies taps as late as it may, and ends the
// process unless tickets are finished once and in order.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "device/test_fake_device.h"
#include "device/torch_api.h"
#include "kernels/backend.h"

namespace qk::fake {

inline int32_t embedding(QkDevice* device, const QkHostWeight* table, const int32_t* ids,
                         int64_t count, float scale, QkMatrix out) {
  return call(device, [&]() -> int32_t {
    std::vector<float> row(static_cast<size_t>(table->cols));
    const Matrix rows = matrix(device, out);
    for (int64_t i = 0; i < count; ++i) {
      QK_CHECK(table->read_rows(table->source, ids[i], 1, row.data()) == 0);
      for (float& number : row) number *= scale;
      std::ranges::copy(row, rows.numbers()[i].data());
    }
    return QK_OK;
  });
}

inline int32_t rms_norm(QkDevice* device, QkMatrix x, QkWeight* weight, float eps, int32_t norm,
                        QkMatrix out) {
  return call(device, [&]() -> int32_t {
    if (const int32_t status = load(device, *weight); status != QK_OK) return status;
    kCpuBackend.rms_norm(
        *device->context, matrix(device, x), {weight->numbers.data(), weight->host.cols}, eps,
        norm == QK_NORM_RMS ? NormKind::kRms : NormKind::kRmsPlusOne, matrix(device, out));
    return QK_OK;
  });
}

inline int32_t linear(QkDevice* device, QkMatrix x, const QkLinearJob* jobs, int64_t count) {
  return call(device, [&]() -> int32_t {
    std::vector<LinearJob> list;
    for (int64_t i = 0; i < count; ++i) {
      const QkLinearJob& job = jobs[i];
      for (QkWeight* weight : {job.weight, job.bias}) {
        if (weight == nullptr) continue;
        if (const int32_t status = load(device, *weight); status != QK_OK) return status;
      }
      list.push_back({.weight = {&job.weight->view, job.weight->host.rows, job.weight->host.cols},
                      .bias = job.bias == nullptr
                                  ? BoundVector{}
                                  : BoundVector{job.bias->numbers.data(), job.bias->host.cols},
                      .y = matrix(device, job.y),
                      .accumulate = job.accumulate != 0,
                      .first_row = job.first_row});
    }
    kCpuBackend.linear(*device->context, matrix(device, x), list);
    return QK_OK;
  });
}

inline int32_t rope_table(QkDevice* device, const float* frequencies, int64_t count, float factor,
                          int64_t first, QkMatrix cos, QkMatrix sin) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.rope_table(*device->context, {frequencies, static_cast<size_t>(count)}, factor,
                           first, matrix(device, cos), matrix(device, sin));
    return QK_OK;
  });
}

inline int32_t rope(QkDevice* device, QkHeads x, QkMatrix cos, QkMatrix sin, int32_t layout) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.rope(*device->context, heads(device, x), matrix(device, cos), matrix(device, sin),
                     layout == QK_ROPE_HALVES ? RopeLayout::kHalves : RopeLayout::kPairs);
    return QK_OK;
  });
}

inline int32_t scale_rows(QkDevice* device, QkMatrix x, const float* factors) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.scale_rows(*device->context, matrix(device, x),
                           {factors, static_cast<size_t>(x.rows)});
    return QK_OK;
  });
}

inline int32_t gated_activation(QkDevice* device, QkMatrix gate, QkMatrix up, int32_t activation) {
  return call(device, [&]() -> int32_t {
    constexpr Activation kKinds[] = {Activation::kSilu, Activation::kGeluTanh, Activation::kGeluErf,
                                     Activation::kGeluNew, Activation::kGeluFast};
    kCpuBackend.gated_activation(*device->context, matrix(device, gate), matrix(device, up),
                                 kKinds[activation]);
    return QK_OK;
  });
}

inline int32_t add(QkDevice* device, QkMatrix x, QkMatrix y) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.add(*device->context, matrix(device, x), matrix(device, y));
    return QK_OK;
  });
}

inline int32_t gather_rows(QkDevice* device, QkMatrix x, const int32_t* rows, int64_t count,
                           QkMatrix out) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.gather_rows(*device->context, matrix(device, x), {rows, static_cast<size_t>(count)},
                            matrix(device, out));
    return QK_OK;
  });
}

inline int32_t gather_taps(QkDevice* device, QkHeads x, const int32_t* rows, int64_t num_rows,
                           const int32_t* chosen, int64_t num_heads, float* out, int64_t* ticket) {
  return call(device, [&]() -> int32_t {
    const auto count = static_cast<size_t>(num_rows * num_heads * x.head_dim);
    PendingTap tap{device->tickets++, std::vector<float>(count), out, 0};
    tap.first_bad = kCpuBackend.gather_taps(*device->context, heads(device, x),
                                            {rows, static_cast<size_t>(num_rows)},
                                            {chosen, static_cast<size_t>(num_heads)},
                                            {tap.values.data(), {num_rows, num_heads, x.head_dim}});
    std::fill_n(out, count, std::numeric_limits<float>::quiet_NaN());
    *ticket = tap.ticket;
    ++state().live_tickets;
    device->taps.push_back(std::move(tap));
    return QK_OK;
  });
}

inline int32_t finish_taps(QkDevice* device, int64_t ticket, int64_t* row) {
  {
    const Busy busy(*device);
    QK_CHECK(!device->taps.empty() && device->taps.front().ticket == ticket);
  }
  PendingTap tap = std::move(device->taps.front());
  device->taps.pop_front();
  --state().live_tickets;
  return call(device, [&]() -> int32_t {
    std::ranges::copy(tap.values, tap.out);
    *row = tap.first_bad;
    return QK_OK;
  });
}

inline int32_t mark(QkDevice* device, int64_t* moment) {
  return call(device, [&]() -> int32_t {
    *moment = device->moments++;
    device->marks.insert(*moment);
    ++state().live_marks;
    return QK_OK;
  });
}

// Also of a device that was lost.
inline void forget_marks(QkDevice* device) {
  const Busy busy(*device);
  state().live_marks -= std::ssize(device->marks);
  device->marks.clear();
}

inline int32_t seconds_between(QkDevice* device, int64_t begin, int64_t end, double* seconds) {
  return call(device, [&]() -> int32_t {
    QK_CHECK(begin < end && device->marks.erase(begin) == 1 && device->marks.erase(end) == 1);
    state().live_marks -= 2;
    *seconds = 1e-6;
    return QK_OK;
  });
}

inline int64_t kv_bytes(int32_t /*type*/, int64_t tokens, int64_t num_heads, int64_t head_dim) {
  return kCpuBackend.kv_bytes(kCpuBackend, tokens, num_heads, head_dim);
}

inline int32_t kv_store(QkDevice* device, QkCache cache, int64_t first, QkHeads k, QkHeads v) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.kv_store(*device->context, cache_of(device, cache), first, heads(device, k),
                         heads(device, v));
    return QK_OK;
  });
}

inline int32_t attention(QkDevice* device, QkHeads q, QkCache cache, const QkAttention* shape,
                         QkHeads out) {
  return call(device, [&]() -> int32_t {
    kCpuBackend.attention(*device->context, heads(device, q), {.first = shape->first},
                          cache_of(device, cache),
                          {.scale = shape->scale,
                           .window = shape->window,
                           .causal = shape->causal != 0,
                           .num_keys = shape->num_keys},
                          heads(device, out));
    return QK_OK;
  });
}

inline const QkTorchApi& api() {
  static const QkTorchApi kApi = {
      .api_version = QK_TORCH_API_VERSION,
      .last_error = [] { return message().c_str(); },
      .count_devices = count_devices,
      .open = open,
      .close = close,
      .describe = describe,
      .memory = memory,
      .synchronize = [](QkDevice* /*device*/) -> int32_t { return QK_OK; },
      .alloc = alloc,
      .free = give_back,
      .bind = bind,
      .unbind = unbind,
      .prefetch = prefetch,
      .drop = drop,
      .embedding = embedding,
      .rms_norm = rms_norm,
      .linear = linear,
      .rope_table = rope_table,
      .rope = rope,
      .scale_rows = scale_rows,
      .gated_activation = gated_activation,
      .add = add,
      .gather_rows = gather_rows,
      .gather_taps = gather_taps,
      .finish_taps = finish_taps,
      .mark = mark,
      .seconds_between = seconds_between,
      .forget_marks = forget_marks,
      .kv_bytes = kv_bytes,
      .kv_store = kv_store,
      .attention = attention,
      .scratch_bytes = [](QkDevice* /*device*/, const QkScratch* /*shape*/) -> int64_t {
        return 0;
      },
  };
  return kApi;
}

}  // namespace qk::fake
