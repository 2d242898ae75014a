#include "dataset/thrift_compact.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr uint8_t kTrue = 1;
constexpr uint8_t kFalse = 2;
constexpr uint8_t kSmallestByte = 3;
constexpr uint8_t kI16 = 4;
constexpr uint8_t kI64 = 6;
constexpr uint8_t kDouble = 7;
constexpr uint8_t kBinary = 8;
constexpr uint8_t kList = 9;
constexpr uint8_t kSet = 10;
constexpr uint8_t kMap = 11;
constexpr uint8_t kStruct = 12;
constexpr uint8_t kUuid = 13;
constexpr int kDeepest = 64;

class ThriftBytes {
 public:
  explicit ThriftBytes(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }

  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) fail("ends early");
    const std::string_view out = bytes_.substr(at_, static_cast<size_t>(count));
    at_ += static_cast<size_t>(count);
    return out;
  }

  uint64_t varint() {
    uint64_t out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t next = byte();
      out |= static_cast<uint64_t>(next & 0x7FU) << shift;
      if (next < 0x80U) return out;
    }
    fail("a number is too long");
  }

  int64_t zigzag() {
    const uint64_t raw = varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }

  // The header of a list: type and number of elements.
  std::pair<uint8_t, uint64_t> list_header() {
    const uint8_t header = byte();
    const uint64_t count = header >> 4 == 15 ? varint() : header >> 4;
    return {static_cast<uint8_t>(header & 15U), count};
  }

  // The header of the next field; type 0 ends the struct. `id`: of the field before.
  uint8_t field_header(int64_t& id) {
    const uint8_t header = byte();
    const auto type = static_cast<uint8_t>(header & 15U);
    if (type == 0) return 0;
    id = header >> 4 == 0 ? zigzag() : id + (header >> 4);
    if (!std::in_range<int16_t>(id)) fail("has a field with the id {}", id);
    return type;
  }

  // A value of the type. A bool that is an element has a byte; in a field it is the type.
  void skip(uint8_t type, bool is_element, int depth = 0) {
    if (depth > kDeepest) fail("is nested too deeply");
    if (type == kTrue || type == kFalse) {
      take(is_element ? 1 : 0);
    } else if (type == kSmallestByte) {
      take(1);
    } else if (type >= kI16 && type <= kI64) {
      varint();
    } else if (type == kDouble) {
      take(8);
    } else if (type == kBinary) {
      take(varint());
    } else if (type == kList || type == kSet) {
      auto [element, count] = list_header();
      for (; count > 0; --count) skip(element, true, depth + 1);
    } else if (type == kMap) {
      skip_map(depth);
    } else if (type == kStruct) {
      int64_t id = 0;
      while (const uint8_t field = field_header(id)) skip(field, false, depth + 1);
    } else if (type == kUuid) {
      take(16);
    } else {
      fail("has a value of unknown type");
    }
  }

 private:
  void skip_map(int depth) {
    uint64_t count = varint();
    if (count == 0) return;
    const uint8_t types = byte();
    for (; count > 0; --count) {
      skip(types >> 4, true, depth + 1);
      skip(types & 15U, true, depth + 1);
    }
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

void put_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80U; value >>= 7) out.push_back(static_cast<char>((value & 0x7FU) | 0x80U));
  out.push_back(static_cast<char>(value));
}

void put_zigzag(int64_t value, std::string& out) {
  put_varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63), out);
}

}  // namespace

ThriftStruct::ThriftStruct(std::string_view bytes) {
  ThriftBytes reader(bytes);
  int64_t id = 0;
  while (const uint8_t type = reader.field_header(id)) {
    const size_t begin = reader.at();
    reader.skip(type, false);
    fields_.push_back({id, type, bytes.substr(begin, reader.at() - begin), {}, false});
  }
}

const ThriftStruct::Field* ThriftStruct::find(int64_t id) const {
  const auto it = std::ranges::find(fields_, id, &Field::id);
  return it == fields_.end() ? nullptr : &*it;
}

const ThriftStruct::Field& ThriftStruct::get(int64_t id) const {
  const Field* field = find(id);
  if (field == nullptr) fail("has no field {}", id);
  return *field;
}

int64_t ThriftStruct::integer(int64_t id) const {
  const Field& field = get(id);
  if (field.type < kI16 || field.type > kI64) fail("field {} is no integer", id);
  return ThriftBytes(field.bytes).zigzag();
}

std::string_view ThriftStruct::text(int64_t id) const {
  const Field& field = get(id);
  if (field.type != kBinary) fail("field {} is no text", id);
  ThriftBytes reader(field.bytes);
  return reader.take(reader.varint());
}

std::vector<std::string_view> ThriftStruct::list(int64_t id) const {
  const Field& field = get(id);
  if (field.type != kList) fail("field {} is no list", id);
  ThriftBytes reader(field.bytes);
  const auto [type, count] = reader.list_header();
  if (count > 0 && type != kStruct) fail("field {} is no list of structs", id);
  std::vector<std::string_view> out;
  for (uint64_t i = 0; i < count; ++i) {
    const size_t begin = reader.at();
    reader.skip(type, true);
    out.push_back(field.bytes.substr(begin, reader.at() - begin));
  }
  return out;
}

void ThriftStruct::remove(int64_t id) {
  std::erase_if(fields_, [&](const Field& field) { return field.id == id; });
}

void ThriftStruct::set(int64_t id, std::string bytes) {
  const auto it = std::ranges::find(fields_, id, &Field::id);
  QK_CHECK(it != fields_.end());
  it->new_bytes = std::move(bytes);
  it->is_new = true;
}

void ThriftStruct::set_integer(int64_t id, int64_t value) {
  std::string bytes;
  put_zigzag(value, bytes);
  set(id, std::move(bytes));
}

void ThriftStruct::set_list(int64_t id, const std::vector<std::string>& structs) {
  std::string bytes(1, static_cast<char>(0xF0U | kStruct));
  put_varint(structs.size(), bytes);
  for (const std::string& one : structs) bytes += one;
  set(id, std::move(bytes));
}

std::string ThriftStruct::write() const {
  std::string out;
  for (const Field& field : fields_) {
    out.push_back(static_cast<char>(field.type));  // the id follows in full
    put_zigzag(field.id, out);
    out += field.is_new ? std::string_view(field.new_bytes) : field.bytes;
  }
  out.push_back('\0');
  return out;
}

}  // namespace qk
