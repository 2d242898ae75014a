// Arrow's status and results; both throw Error with Arrow's own sentence.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <utility>

#include "base/error.h"

namespace qk {

inline void check(const arrow::Status& status) {
  if (!status.ok()) fail("{}", printable(status.message(), 300));
}

template <typename T>
T value_of(arrow::Result<T> result) {
  check(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace qk
