#include "kernels/add.h"
#include "kernels/attention.h"
#include "kernels/backend.h"
#include "kernels/embedding.h"
#include "kernels/gated_activation.h"
#include "kernels/gather.h"
#include "kernels/host_memory.h"
#include "kernels/linear.h"
#include "kernels/mapped_weight.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/rope_table.h"
#include "kernels/scale_rows.h"

namespace qk {
namespace {

int64_t scratch_bytes_cpu(int64_t rows, int64_t in, int64_t head_dim, int num_threads) {
  return linear_bytes(rows, in, num_threads) + attention_bytes(head_dim, num_threads);
}

}  // namespace

const Backend kCpuBackend = {
    .name = "cpu",
    .make_context = make_host_context,
    .alloc = alloc_host,
    .free = free_host,
    .bind_weight = bind_mapped_weight,
    .bind_vector = bind_mapped_vector,
    .prefetch_weights = prefetch_mapped_weights,
    .drop_weights = drop_mapped_weights,
    .embedding = embedding_cpu,
    .rms_norm = rms_norm_cpu,
    .linear = linear_cpu,
    .rope_table = rope_table_host,
    .rope = rope_cpu,
    .scale_rows = scale_rows_cpu,
    .gated_activation = gated_activation_cpu,
    .add = add_cpu,
    .gather_rows = gather_rows_host,
    .gather_taps = gather_taps_host,
    .kv_store = kv_store_cpu,
    .attention = attention_cpu,
    .kv_bytes = kv_bytes_cpu,
    .scratch_bytes = scratch_bytes_cpu,
};

}  // namespace qk
