// The parts of a GGUF file before the data: the metadata and the list of tensors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/byte_reader.h"
#include "formats/gguf.h"

namespace qk {

struct GgufTensorInfo {
  StoredTensor tensor;     // without its bytes
  uint64_t num_bytes = 0;  // by type and shape
  uint64_t offset = 0;     // from the start of the data, as the file says
};

struct GgufHeader {
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::vector<GgufTensorInfo> tensors;  // in file order
};

// Reads from the magic to the end of the tensor list. Throws Error "<place>: ...".
GgufHeader read_gguf_header(ByteReader& reader);

// The value of a key-value pair, after its key: type and contents. `budget` is how many array
// elements may still come.
GgufValue read_gguf_value(ByteReader& reader, std::string_view key, uint64_t& budget);

// How messages call the kind of a value: "a string", "a list of integers".
std::string_view gguf_kind(const GgufValue& value);

}  // namespace qk
