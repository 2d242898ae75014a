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

struct MeasuredHead {
  HeadMetrics metrics;
  // The catalog has ranges of buckets, and rows of this head lie outside them.
  bool contradicts_ranges = false;
};

using HeadResult = std::variant<MeasuredHead, HeadFailure>;

}  // namespace qk
