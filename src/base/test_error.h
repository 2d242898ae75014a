// For tests only: a folder, and the message of an Error.
#pragma once

#include <string>

#include "base/error.h"
#include "base/test_folder.h"

namespace qk {

// What the call's Error says; "" if it throws none.
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace qk
