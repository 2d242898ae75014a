// What went wrong, as a QkStatus and one sentence.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace qk_torch {

// The caller's mistake, or something that this torch or device does not have.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// For handlers: keeps the sentence of the exception that is being handled for last_error() and returns
// its QkStatus.
int32_t keep_current_exception();
// Of the calling thread.
int32_t keep_error(int32_t status, std::string sentence);
const char* last_error();

}  // namespace qk_torch
