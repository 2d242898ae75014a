// Numbers and texts as bytes, between ranks of one build.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {

class WireWriter {
 public:
  template <typename T>
    requires(std::integral<T> || std::floating_point<T>)
  void number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void text(std::string_view value) {
    number(static_cast<uint64_t>(value.size()));
    bytes_.append(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Throws Error naming `what` ("documents of rank 0") where the bytes end too early, or too late.
class WireReader {
 public:
  WireReader(std::string_view bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}

  template <typename T>
    requires(std::integral<T> || std::floating_point<T>)
  T number() {
    T value{};
    const std::string_view raw = take(sizeof(value));
    raw.copy(reinterpret_cast<char*>(&value), sizeof(value));
    return value;
  }
  std::string_view text() { return take(number<uint64_t>()); }
  void end() const {
    if (!bytes_.empty()) fail("{}: {} bytes more than expected", what_, bytes_.size());
  }

 private:
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) {
      fail("{}: expected {} more bytes, found {}", what_, size, bytes_.size());
    }
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }

  std::string_view bytes_;
  std::string what_;
};

}  // namespace qk
