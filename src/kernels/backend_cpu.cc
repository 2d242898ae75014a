#include "kernels/add.h"
#include "kernels/attention.h"
#include "kernels/backend.h"
#include "kernels/embedding.h"
#include "kernels/gated_activation.h"
#include "kernels/gather.h"
#include "kernels/host_memory.h"
#include "kernels/host_operation.h"
#include "kernels/linear.h"
#include "kernels/mapped_weight.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/rope_table.h"
#include "kernels/scale_rows.h"

namespace qk {
namespace {

int64_t cpu_kv_bytes(const Backend& /*self*/, int64_t tokens, int64_t num_heads, int64_t head_dim) {
  return kv_bytes_cpu(tokens, num_heads, head_dim);
}

int64_t cpu_scratch_bytes(const Backend& /*self*/, const ScratchShape& shape, int num_threads) {
  return linear_bytes(shape.rows, shape.width, num_threads) +
         attention_bytes(shape.head_dim, num_threads);
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
    .embedding = kHostOperation<embedding_cpu>,
    .rms_norm = kHostOperation<rms_norm_cpu>,
    .linear = kHostOperation<linear_cpu>,
    .rope_table = kHostOperation<rope_table_host>,
    .rope = kHostOperation<rope_cpu>,
    .scale_rows = kHostOperation<scale_rows_cpu>,
    .gated_activation = kHostOperation<gated_activation_cpu>,
    .add = kHostOperation<add_cpu>,
    .gather_rows = kHostOperation<gather_rows_host>,
    .gather_taps = gather_taps_host,
    .finish_taps = finish_taps_host,
    .kv_store = kHostOperation<kv_store_cpu>,
    .attention = kHostOperation<attention_cpu>,
    .kv_bytes = cpu_kv_bytes,
    .scratch_bytes = cpu_scratch_bytes,
};

}  // namespace qk
