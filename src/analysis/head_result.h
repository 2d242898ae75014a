// What became of one head: its metrics, or the reason why there are none.
#pragma once

#include <string>
#include <variant>

#include "heads/head_id.h"
#include "plasticity/head_metrics.h"

namespace qk {

struct HeadFailure {
  HeadId head;
  std::string reason;  // one sentence with the file's name
};

using HeadResult = std::variant<HeadMetrics, HeadFailure>;

}  // namespace qk
