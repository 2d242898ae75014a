#include "formats/gguf_header.h"

#include <algorithm>
#include <set>

#include "formats/gguf_types.h"
#include "formats/stored_name.h"

namespace qk {
namespace {

// What a file may cost in memory. The largest vocabularies need 1.5 million array elements.
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxArrayElements = 1 << 23;
// The fewest bytes of a pair (key length, type, one byte) and of a tensor's entry (name length,
// number of axes, type, offset).
constexpr uint64_t kMinPairBytes = 8 + 4 + 1;
constexpr uint64_t kMinInfoBytes = 8 + 4 + 4 + 8;
constexpr uint32_t kMaxAxes = 4;

void read_preamble(ByteReader& reader) {
  constexpr std::string_view kMagic = "GGUF";
  const std::string_view magic = reader.peek(kMagic.size());
  if (magic != kMagic) {
    fail("{}: is not a GGUF file: expected 'GGUF' at its start, found {}", reader.place(),
         magic.empty() ? "no content" : fmt::format("'{}'", printable(magic)));
  }
  reader.number<uint32_t>("the magic");
  const auto version = reader.number<uint32_t>("the version");
  if (version != 0 && (version & 0xFFFF) == 0) {
    fail(
        "{}: is a big-endian GGUF file, expected a little-endian one: "
        "convert a copy of it with `gguf-convert-endian FILE little` (Python package gguf)",
        reader.place());
  }
  if (version != 2 && version != 3) {
    fail("{}: GGUF version: expected 2 or 3, found {}", reader.place(), version);
  }
}

uint64_t read_count(ByteReader& reader, std::string_view what, uint64_t most) {
  const auto count = reader.number<uint64_t>(what);
  if (count > most)
    fail("{}: {}: expected at most {}, found {}", reader.place(), what, most, count);
  return count;
}

void check_fits(const ByteReader& reader, std::string_view what, uint64_t count,
                uint64_t min_bytes) {
  if (count > reader.remaining() / min_bytes) {
    fail("{}: is cut short: {} is {}, which does not fit in the {} bytes left", reader.place(),
         what, count, reader.remaining());
  }
}

void read_metadata(ByteReader& reader, uint64_t num_keys, GgufHeader& header) {
  uint64_t budget = kMaxArrayElements;
  for (uint64_t i = 0; i < num_keys; ++i) {
    const std::string key(reader.text("a key"));
    check_stored_name(reader.place(), "key", key);
    GgufValue value = read_gguf_value(reader, key, budget);
    if (!header.metadata.emplace(key, std::move(value)).second) {
      fail("{}: key '{}' occurs twice", reader.place(), printable(key));
    }
  }
}

void read_shape(ByteReader& reader, StoredTensor& tensor) {
  const auto num_axes = reader.number<uint32_t>("a tensor's number of axes");
  if (num_axes > kMaxAxes) {
    fail("{}: {}: expected at most {} axes, found {}", reader.place(), printable(tensor.name),
         kMaxAxes, num_axes);
  }
  for (uint32_t axis = 0; axis < num_axes; ++axis) {
    const auto size = reader.number<uint64_t>("a tensor's shape");
    if (size > INT64_MAX) {
      fail("{}: {}: shape: {} is too large", reader.place(), printable(tensor.name), size);
    }
    tensor.shape.push_back(static_cast<int64_t>(size));
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
}

uint64_t tensor_bytes(const ByteReader& reader, const StoredTensor& tensor,
                      const GgufTensorType& type) {
  const uint64_t row = tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.back());
  if (row % type.block_elements != 0) {
    fail("{}: {}: {} {}: a row must be a multiple of {} elements", reader.place(),
         printable(tensor.name), type.name, shape_text(tensor.shape), type.block_elements);
  }
  uint64_t bytes = type.block_bytes;
  bool overflow = __builtin_mul_overflow(bytes, row / type.block_elements, &bytes);
  for (size_t axis = 0; axis + 1 < tensor.shape.size(); ++axis) {
    overflow |= __builtin_mul_overflow(bytes, static_cast<uint64_t>(tensor.shape[axis]), &bytes);
  }
  if (overflow) {
    fail("{}: {}: shape {} is too large", reader.place(), printable(tensor.name),
         shape_text(tensor.shape));
  }
  return bytes;
}

GgufTensorInfo read_info(ByteReader& reader) {
  GgufTensorInfo info;
  StoredTensor& tensor = info.tensor;
  tensor.name = reader.text("a tensor's name");
  check_stored_name(reader.place(), "tensor", tensor.name);
  read_shape(reader, tensor);
  const auto type_id = reader.number<uint32_t>("a tensor's type");
  const GgufTensorType* type = gguf_tensor_type(type_id);
  if (type == nullptr) {
    fail("{}: {}: unknown tensor type {}", reader.place(), printable(tensor.name), type_id);
  }
  tensor.dtype_name = type->name;
  tensor.dtype = type->dtype;
  info.num_bytes = tensor_bytes(reader, tensor, *type);
  info.offset = reader.number<uint64_t>("a tensor's offset");
  return info;
}

void check_unique(const ByteReader& reader, const std::vector<GgufTensorInfo>& infos) {
  std::set<std::string_view> names;
  for (const GgufTensorInfo& info : infos) {
    if (!names.insert(info.tensor.name).second) {
      fail("{}: tensor '{}' occurs twice", reader.place(), printable(info.tensor.name));
    }
  }
}

}  // namespace

GgufHeader read_gguf_header(ByteReader& reader) {
  GgufHeader header;
  read_preamble(reader);
  const uint64_t num_tensors = read_count(reader, "the number of tensors", kMaxTensors);
  const uint64_t num_keys = read_count(reader, "the number of keys", kMaxKeys);
  check_fits(reader, "the number of keys", num_keys, kMinPairBytes);
  read_metadata(reader, num_keys, header);
  check_fits(reader, "the number of tensors", num_tensors, kMinInfoBytes);
  header.tensors.reserve(num_tensors);
  for (uint64_t i = 0; i < num_tensors; ++i) header.tensors.push_back(read_info(reader));
  check_unique(reader, header.tensors);
  return header;
}

}  // namespace qk
