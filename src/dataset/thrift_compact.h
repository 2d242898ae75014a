// Structs of Thrift's compact protocol, read as fields of raw bytes that can be left out or replaced
// without knowing what the others mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

class ThriftStruct {
 public:
  // Throws Error if the bytes end early, or are none of the protocol's. Bytes after the struct are
  // ignored. `bytes` must outlive what list() and text() return.
  explicit ThriftStruct(std::string_view bytes);

  bool has(int64_t id) const { return find(id) != nullptr; }
  // The value of a field. Throw Error if there is none, or it has another type.
  int64_t integer(int64_t id) const;
  std::string_view text(int64_t id) const;
  std::vector<std::string_view> list(int64_t id) const;  // of structs

  // Nothing happens if there is no such field.
  void remove(int64_t id);
  // REQUIRE: the field exists and has this type.
  void set_integer(int64_t id, int64_t value);
  void set_list(int64_t id, const std::vector<std::string>& structs);

  std::string write() const;

 private:
  struct Field {
    int64_t id = 0;
    uint8_t type = 0;        // as the protocol numbers them
    std::string_view bytes;  // of the value, as read
    std::string new_bytes;   // in their place, if is_new
    bool is_new = false;
  };
  const Field* find(int64_t id) const;
  const Field& get(int64_t id) const;
  void set(int64_t id, std::string bytes);

  std::vector<Field> fields_;
};

}  // namespace qk
