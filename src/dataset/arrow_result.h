// Arrow's statuses and results as Errors. Includes Arrow: for .cc files of this folder only.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {

// Throws Error with `before` and Arrow's message if the status is not OK.
inline void check_arrow(const arrow::Status& status, std::string_view before = "") {
  if (!status.ok()) fail("{}{}", before, printable(status.message(), 300));
}

// The value of a result. Throws as check_arrow does.
template <typename T>
T value_of(arrow::Result<T> result, std::string_view before = "") {
  check_arrow(result.status(), before);
  return std::move(result).ValueUnsafe();
}

}  // namespace qk
