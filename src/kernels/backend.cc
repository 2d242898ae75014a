#include "kernels/backend.h"

#include <cstddef>

#include "base/error.h"

namespace qk {

void check_complete(const Backend& backend) {
  const struct {
    std::string_view name;
    bool filled;
  } slots[] = {
      {"make_context", backend.make_context != nullptr},
      {"alloc", backend.alloc != nullptr},
      {"free", backend.free != nullptr},
      {"bind_weight", backend.bind_weight != nullptr},
      {"bind_vector", backend.bind_vector != nullptr},
      {"prefetch_weights", backend.prefetch_weights != nullptr},
      {"drop_weights", backend.drop_weights != nullptr},
      {"embedding", backend.embedding != nullptr},
      {"rms_norm", backend.rms_norm != nullptr},
      {"linear", backend.linear != nullptr},
      {"rope_table", backend.rope_table != nullptr},
      {"rope", backend.rope != nullptr},
      {"scale_rows", backend.scale_rows != nullptr},
      {"gated_activation", backend.gated_activation != nullptr},
      {"add", backend.add != nullptr},
      {"gather_rows", backend.gather_rows != nullptr},
      {"gather_taps", backend.gather_taps != nullptr},
      {"finish_taps", backend.finish_taps != nullptr},
      {"kv_store", backend.kv_store != nullptr},
      {"attention", backend.attention != nullptr},
      {"kv_bytes", backend.kv_bytes != nullptr},
      {"scratch_bytes", backend.scratch_bytes != nullptr},
  };
  constexpr size_t kMayBeEmpty = 3;  // mark, seconds_between and forget_marks
  static_assert(sizeof(Backend) == offsetof(Backend, make_context) +
                                       (std::size(slots) + kMayBeEmpty) * sizeof(void (*)()),
                "every slot is checked");
  for (const auto& slot : slots) {
    if (!slot.filled) {
      fail("backend {}: expected an operation in slot {}, found none", backend.name, slot.name);
    }
  }
}

}  // namespace qk
