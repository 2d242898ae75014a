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

// The naive loops hold nothing between calls.
int64_t scratch_bytes_ref(int64_t /*rows*/, int64_t /*in*/, int64_t /*head_dim*/,
                          int /*num_threads*/) {
  return 0;
}

}  // namespace

const Backend kRefBackend = {
    .name = "ref",
    .make_context = make_host_context,
    .alloc = alloc_host,
    .free = free_host,
    .bind_weight = bind_mapped_weight,
    .bind_vector = bind_mapped_vector,
    .prefetch_weights = prefetch_mapped_weights,
    .drop_weights = drop_mapped_weights,
    .embedding = embedding_ref,
    .rms_norm = rms_norm_ref,
    .linear = linear_ref,
    .rope_table = rope_table_host,
    .rope = rope_ref,
    .scale_rows = scale_rows_ref,
    .gated_activation = gated_activation_ref,
    .add = add_ref,
    .gather_rows = gather_rows_host,
    .gather_taps = gather_taps_host,
    .kv_store = kv_store_ref,
    .attention = attention_ref,
    .kv_bytes = kv_bytes_ref,
    .scratch_bytes = scratch_bytes_ref,
};

}  // namespace qk
