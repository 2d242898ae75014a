#include "torch/taps.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>

#include <string>
#include <utility>

#include "torch/errors.h"

namespace qk_torch {
namespace {

// The first i for which taps[i] holds NaN or infinity, or their number: int64 [] on their device.
at::Tensor first_not_finite(const at::Tensor& taps) {
  const int64_t rows = taps.size(0);
  const auto options = taps.options().dtype(c10::ScalarType::Long);
  const at::Tensor finite = at::isfinite(taps).flatten(1).all(1);
  return at::where(finite, at::full({}, rows, options), at::arange(rows, options)).min();
}

// Enqueues the copies to the host. If that fails nothing writes there any more when it returns.
void copy_out(QkDevice& device, const at::Tensor& taps, float* out, const at::Tensor& first_bad,
              PendingTaps& pending) {
  try {
    at::from_blob(out, taps.sizes(), c10::ScalarType::Float).copy_(taps, /*non_blocking=*/true);
    pending.first_bad.copy_(first_bad, /*non_blocking=*/true);
    if (!device.on_host()) pending.done = event_now(device);
  } catch (...) {
    answers(device);  // waits
    throw;
  }
}

}  // namespace

int64_t gather_taps(QkDevice& device, const QkHeads& x, const int32_t* rows, int64_t num_rows,
                    const int32_t* heads, int64_t num_heads, float* out) {
  PendingTaps pending;
  pending.first_bad = host_memory(device, {}, c10::ScalarType::Long);
  *pending.first_bad.mutable_data_ptr<int64_t>() = num_rows;
  if (num_rows > 0 && num_heads > 0) {
    const at::Tensor row_index = upload(device, rows, num_rows, c10::ScalarType::Int);
    const at::Tensor head_index = upload(device, heads, num_heads, c10::ScalarType::Int);
    const at::Tensor taps =
        at::index_select(at::index_select(view(device, x), 0, row_index), 1, head_index)
            .to(c10::ScalarType::Float);
    const at::Tensor first_bad = first_not_finite(taps);
    copy_out(device, taps, out, first_bad, pending);
  }
  const int64_t ticket = device.next_ticket++;
  device.taps.emplace(ticket, std::move(pending));
  return ticket;
}

int64_t finish_taps(QkDevice& device, int64_t ticket) {
  const auto found = device.taps.find(ticket);
  if (found == device.taps.end()) {
    throw Failure("there are no taps of ticket " + std::to_string(ticket));
  }
  const PendingTaps pending = std::move(found->second);
  device.taps.erase(found);
  if (pending.done) pending.done->synchronize();
  return *pending.first_bad.const_data_ptr<int64_t>();
}

}  // namespace qk_torch
