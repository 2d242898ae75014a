#include <array>
#include <utility>

#include "formats/gguf_header.h"

namespace qk {
namespace {

enum class Type : uint8_t {  // the numbers of the format
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

// The fewest bytes a value of the type takes, by number.
constexpr std::array<uint64_t, 13> kTypeBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

// One key's value, or the elements of its array.
class ValueReader {
 public:
  ValueReader(ByteReader& reader, std::string_view key) : reader_(reader), key_(key) {}

  GgufValue scalar(Type type) {
    switch (type) {
      case Type::kU8:
        return uint64_t{number<uint8_t>()};
      case Type::kU16:
        return uint64_t{number<uint16_t>()};
      case Type::kU32:
        return uint64_t{number<uint32_t>()};
      case Type::kU64:
        return number<uint64_t>();
      case Type::kI8:
        return int64_t{number<int8_t>()};
      case Type::kI16:
        return int64_t{number<int16_t>()};
      case Type::kI32:
        return int64_t{number<int32_t>()};
      case Type::kI64:
        return number<int64_t>();
      case Type::kF32:
        return double{number<float>()};
      case Type::kF64:
        return number<double>();
      case Type::kBool:
        return boolean();
      case Type::kString:
        return std::string(text());
      case Type::kArray:
        break;
    }
    fail("{}: {}: arrays of arrays are not supported", reader_.place(), printable(key_));
  }

  GgufValue array(Type type, uint64_t count) {
    switch (type) {
      case Type::kU8:
        return numbers<uint64_t, uint8_t>(count);
      case Type::kU16:
        return numbers<uint64_t, uint16_t>(count);
      case Type::kU32:
        return numbers<uint64_t, uint32_t>(count);
      case Type::kU64:
        return numbers<uint64_t, uint64_t>(count);
      case Type::kI8:
        return numbers<int64_t, int8_t>(count);
      case Type::kI16:
        return numbers<int64_t, int16_t>(count);
      case Type::kI32:
        return numbers<int64_t, int32_t>(count);
      case Type::kI64:
        return numbers<int64_t, int64_t>(count);
      case Type::kF32:
        return numbers<double, float>(count);
      case Type::kF64:
        return numbers<double, double>(count);
      case Type::kBool:
        return elements<bool>(count, [this] { return boolean(); });
      case Type::kString:
        return elements<std::string>(count, [this] { return std::string(text()); });
      case Type::kArray:
        break;
    }
    return scalar(type);  // throws
  }

  Type type() {
    const auto id = number<uint32_t>();
    if (id >= kTypeBytes.size()) {
      fail("{}: {}: unknown value type {}, expected 0 to {}", reader_.place(), printable(key_), id,
           kTypeBytes.size() - 1);
    }
    return static_cast<Type>(id);
  }

  uint64_t count(Type type, uint64_t& budget) {
    const auto count = number<uint64_t>();
    if (count > reader_.remaining() / kTypeBytes.at(static_cast<size_t>(type))) {
      fail("{}: {}: is cut short: an array of {} elements does not fit in the {} bytes left",
           reader_.place(), printable(key_), count, reader_.remaining());
    }
    if (count > budget) {
      fail("{}: {}: an array of {} elements is more than a model needs", reader_.place(),
           printable(key_), count);
    }
    budget -= count;
    return count;
  }

 private:
  template <typename T>
  T number() {
    return reader_.number<T>("a value");
  }

  bool boolean() {
    const auto byte = number<uint8_t>();
    if (byte > 1) {
      fail("{}: {}: expected a boolean (0 or 1), found {}", reader_.place(), printable(key_), byte);
    }
    return byte == 1;
  }

  std::string_view text() { return reader_.text("a string value"); }

  template <typename T, typename Read>
  std::vector<T> elements(uint64_t count, const Read& read) {
    std::vector<T> values;
    values.reserve(count);
    for (uint64_t i = 0; i < count; ++i) values.push_back(read());
    return values;
  }

  template <typename Wide, typename Stored>
  std::vector<Wide> numbers(uint64_t count) {
    return elements<Wide>(count, [this] { return Wide{number<Stored>()}; });
  }

  ByteReader& reader_;
  std::string_view key_;
};

}  // namespace

GgufValue read_gguf_value(ByteReader& reader, std::string_view key, uint64_t& budget) {
  ValueReader value(reader, key);
  const Type type = value.type();
  if (type != Type::kArray) return value.scalar(type);
  const Type element_type = value.type();
  const uint64_t count = value.count(element_type, budget);
  return value.array(element_type, count);
}

std::string_view gguf_kind(const GgufValue& value) {
  static constexpr std::array<std::string_view, 10> kKinds = {
      "an unsigned integer", "an integer",       "a float",
      "a boolean",           "a string",         "a list of unsigned integers",
      "a list of integers",  "a list of floats", "a list of booleans",
      "a list of strings",
  };
  static_assert(kKinds.size() == std::variant_size_v<GgufValue>);
  return kKinds.at(value.index());
}

}  // namespace qk
