// Reads any bytes as a safetensors file. The result must be an Error, or valid tensors.
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"
#include "tests/fuzz/stored_tensors.h"

namespace {

void read(std::span<const std::byte> file) {
  try {
    qk::check_stored_tensors(file, qk::parse_safetensors(file, "dir/fuzz.safetensors"));
  } catch (const qk::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read(bytes);
  if (size < 8) return 0;
  // Once more with a correct header length, so that changes of the header's text reach the
  // parser.
  std::vector<std::byte> fitted(bytes.begin(), bytes.end());
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, data, 8);
  header_bytes %= size - 8 + 1;
  std::memcpy(fitted.data(), &header_bytes, 8);
  read(fitted);
  return 0;
}
