#include "kernels/add.h"
#include "kernels/attention.h"
#include "kernels/backend.h"
#include "kernels/embedding.h"
#include "kernels/gated_activation.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/scale_rows.h"

namespace qk {

const Backend kCpuBackend = {
    .name = "cpu",
    .embedding = embedding_cpu,
    .rms_norm = rms_norm_cpu,
    .linear = linear_cpu,
    .rope = rope_cpu,
    .scale_rows = scale_rows_cpu,
    .gated_activation = gated_activation_cpu,
    .add = add_cpu,
    .kv_floats = kv_floats_cpu,
    .kv_store = kv_store_cpu,
    .attention = attention_cpu,
};

}  // namespace qk
