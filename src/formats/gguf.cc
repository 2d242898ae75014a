#include "formats/gguf.h"

#include <array>
#include <bit>
#include <fstream>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "formats/byte_reader.h"
#include "formats/gguf_header.h"

namespace qk {
namespace {

constexpr uint64_t kDefaultAlignment = 32;

// REQUIRES: alignment is a power of two at most 2^32, value below 2^63.
uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

// An integer of either kind as int64, empty if it does not fit.
std::optional<int64_t> to_int64(const GgufValue& value) {
  if (const auto* signed_value = std::get_if<int64_t>(&value)) return *signed_value;
  const auto* unsigned_value = std::get_if<uint64_t>(&value);
  if (unsigned_value == nullptr || *unsigned_value > INT64_MAX) return {};
  return static_cast<int64_t>(*unsigned_value);
}

bool is_integer(const GgufValue& value) {
  return std::holds_alternative<int64_t>(value) || std::holds_alternative<uint64_t>(value);
}

uint64_t alignment_of(const GgufFile& file) {
  const int64_t alignment = file.integer("general.alignment").value_or(kDefaultAlignment);
  if (alignment < 1 || alignment > UINT32_MAX ||
      !std::has_single_bit(static_cast<uint64_t>(alignment))) {
    fail("{}: general.alignment: expected a power of two, found {}", file.path().string(),
         alignment);
  }
  return static_cast<uint64_t>(alignment);
}

void check_not_split(const GgufFile& file) {
  const int64_t count = file.integer("split.count").value_or(1);
  if (count <= 1) return;
  fail(
      "{}: split.count: is one of {} parts of a split file; "
      "join them first (llama-gguf-split --merge)",
      file.path().string(), count);
}

// Gives each tensor its bytes: they follow one another from the start of the data to its end.
std::vector<StoredTensor> lay_out(std::vector<GgufTensorInfo> infos,
                                  std::span<const std::byte> data, uint64_t alignment,
                                  const std::filesystem::path& path) {
  std::vector<StoredTensor> tensors;
  tensors.reserve(infos.size());
  uint64_t next = 0;
  for (GgufTensorInfo& info : infos) {
    StoredTensor& tensor = info.tensor;
    if (info.offset != next) {
      fail("{}: {}: offset: expected {}, where the tensor before it ends, found {}", path.string(),
           printable(tensor.name), next, info.offset);
    }
    if (next > data.size() || info.num_bytes > data.size() - next) {
      fail("{}: is cut short: {} {} {} needs {} bytes at byte {} of the data, which has {}",
           path.string(), printable(tensor.name), tensor.dtype_name, shape_text(tensor.shape),
           info.num_bytes, next, data.size());
    }
    tensor.bytes = data.subspan(next, info.num_bytes);
    tensor.file = path.filename().string();
    next = align_up(next + info.num_bytes, alignment);
    tensors.push_back(std::move(tensor));
  }
  if (data.size() > next) {
    fail("{}: {} bytes follow the last tensor, expected none", path.string(), data.size() - next);
  }
  return tensors;
}

}  // namespace

bool begins_as_gguf(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::array<char, 4> magic{};
  std::ifstream file(path, std::ios::binary);
  return file.read(magic.data(), magic.size()) &&
         std::string_view(magic.data(), magic.size()) == "GGUF";
}

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path), path_(path) {
  parse(file_.bytes());
}

GgufFile::GgufFile(std::span<const std::byte> bytes, const std::filesystem::path& path)
    : path_(path) {
  parse(bytes);
}

void GgufFile::parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes, path_.string());
  GgufHeader header = read_gguf_header(reader);
  metadata_ = std::move(header.metadata);
  check_not_split(*this);
  const uint64_t alignment = alignment_of(*this);
  const uint64_t start = align_up(reader.position(), alignment);
  const auto data = start < bytes.size() ? bytes.subspan(start) : std::span<const std::byte>();
  tensors_ = lay_out(std::move(header.tensors), data, alignment, path_);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

void GgufFile::fail_type(std::string_view key, std::string_view expected) const {
  const GgufValue* value = find(key);
  QK_CHECK(value != nullptr);
  fail("{}: {}: expected {}, found {}", path_.string(), key, expected, gguf_kind(*value));
}

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (!is_integer(*value)) fail_type(key, "an integer");
  const std::optional<int64_t> integer = to_int64(*value);
  if (!integer) {
    fail("{}: {}: expected an integer below 2^63, found {}", path_.string(), key,
         std::get<uint64_t>(*value));
  }
  return integer;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<int64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<uint64_t>(value)) return static_cast<double>(*number);
  fail_type(key, "a number");
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (const auto* boolean = std::get_if<bool>(value)) return *boolean;
  fail_type(key, "a boolean");
}

std::optional<std::string> GgufFile::string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  fail_type(key, "a string");
}

const std::vector<std::string>* GgufFile::strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  if (const auto* strings = std::get_if<std::vector<std::string>>(value)) return strings;
  fail_type(key, "a list of strings");
}

std::optional<std::vector<int64_t>> GgufFile::integers(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (const auto* integers = std::get_if<std::vector<int64_t>>(value)) return *integers;
  const auto* integers = std::get_if<std::vector<uint64_t>>(value);
  if (integers == nullptr) fail_type(key, "a list of integers");
  for (const uint64_t integer : *integers) {
    if (integer > INT64_MAX) {
      fail("{}: {}: expected integers below 2^63, found {}", path_.string(), key, integer);
    }
  }
  return std::vector<int64_t>(integers->begin(), integers->end());
}

std::optional<std::vector<double>> GgufFile::numbers(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  const auto widen = [](const auto& list) { return std::vector<double>(list.begin(), list.end()); };
  if (const auto* list = std::get_if<std::vector<double>>(value)) return *list;
  if (const auto* list = std::get_if<std::vector<int64_t>>(value)) return widen(*list);
  if (const auto* list = std::get_if<std::vector<uint64_t>>(value)) return widen(*list);
  fail_type(key, "a list of numbers");
}

}  // namespace qk
