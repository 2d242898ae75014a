#include "torch/errors.h"

#include <c10/util/Exception.h>

#include <array>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "device/torch_api.h"

namespace qk_torch {
namespace {

std::string& kept_sentence() {
  thread_local std::string sentence;
  return sentence;
}

bool names_one_of(std::string_view text, const auto& phrases) {
  for (const std::string_view phrase : phrases) {
    if (text.find(phrase) != std::string_view::npos) return true;
  }
  return false;
}

// torch throws c10::OutOfMemoryError for its own cache of device memory only; the host's allocator,
// pinned memory and the libraries below it say it in words.
constexpr std::array<std::string_view, 6> kOutOfMemoryPhrases = {
    "out of memory",     "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED",
    "not enough memory", "ALLOC_FAILED",          "Storage size calculation overflowed"};
// Errors after which a CUDA or HIP context answers nothing but the same error.
constexpr std::array<std::string_view, 10> kLostPhrases = {
    "illegal memory access", "illegal instruction", "unspecified launch failure",
    "device-side assert",    "misaligned address",  "uncorrectable ECC error",
    "hardware stack error",  "device is lost",      "GPU has fallen off the bus",
    "launch timed out"};

// torch's messages begin with a place in its source and go on with advice and stack traces.
std::string first_line(std::string_view text) {
  if (text.starts_with("[enforce fail at ")) {
    const size_t condition_end = text.find(". ");
    if (condition_end != std::string_view::npos) text.remove_prefix(condition_end + 2);
  }
  return std::string(text.substr(0, text.find('\n')));
}

int32_t keep_torch_error(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
      names_one_of(text, kOutOfMemoryPhrases)) {
    return keep_error(QK_OUT_OF_MEMORY, first_line(text));
  }
  return keep_error(names_one_of(text, kLostPhrases) ? QK_DEVICE_LOST : QK_FAILED,
                    first_line(text));
}

}  // namespace

int32_t keep_error(int32_t status, std::string sentence) {
  kept_sentence() = std::move(sentence);
  return status;
}

const char* last_error() { return kept_sentence().c_str(); }

int32_t keep_current_exception() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return keep_torch_error(error);
  } catch (const std::bad_alloc&) {
    return keep_error(QK_OUT_OF_MEMORY, "out of memory on the host");
  } catch (const std::exception& error) {
    return keep_error(QK_FAILED, first_line(error.what()));
  } catch (...) {
    return keep_error(QK_FAILED, "torch threw something that is no std::exception");
  }
}

}  // namespace qk_torch
