// Reads any bytes as a GGUF file. The result must be an Error, or valid metadata and tensors.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "formats/gguf.h"
#include "tests/fuzz/stored_tensors.h"

namespace {

template <typename Lookup>
void look_up(const Lookup& lookup) {
  try {
    lookup();
  } catch (const qk::Error&) {
  }
}

void look_up_all(const qk::GgufFile& file, const std::string& key) {
  look_up([&] { file.integer(key); });
  look_up([&] { file.number(key); });
  look_up([&] { file.boolean(key); });
  look_up([&] { file.string(key); });
  look_up([&] { file.strings(key); });
  look_up([&] { file.integers(key); });
  look_up([&] { file.numbers(key); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const qk::GgufFile file(bytes, "dir/fuzz.gguf");
    qk::check_stored_tensors(bytes, file.tensors());
    for (const auto& [key, value] : file.metadata()) look_up_all(file, key);
  } catch (const qk::Error&) {
  }
  return 0;
}
