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

const Backend kRefBackend = {
    .name = "ref",
    .embedding = embedding_ref,
    .rms_norm = rms_norm_ref,
    .linear = linear_ref,
    .rope = rope_ref,
    .scale_rows = scale_rows_ref,
    .gated_activation = gated_activation_ref,
    .add = add_ref,
    .kv_floats = kv_floats_ref,
    .kv_store = kv_store_ref,
    .attention = attention_ref,
};

}  // namespace qk
