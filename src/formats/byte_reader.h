// Reads a binary file from front to back; nothing beyond its end is ever touched.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {

class ByteReader {
 public:
  // `place` names the file in messages.
  ByteReader(std::span<const std::byte> bytes, std::string place)
      : bytes_(bytes), place_(std::move(place)) {}

  const std::string& place() const { return place_; }
  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  // A little-endian number. Throws Error "<place>: is cut short ..." naming `what`.
  template <typename T>
  T number(std::string_view what) {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  // The next bytes, fewer where the file ends; they are not consumed.
  std::string_view peek(uint64_t count) const {
    return {reinterpret_cast<const char*>(bytes_.data() + position_), std::min(count, remaining())};
  }
  // A length (u64) and that many bytes, NUL included.
  std::string_view text(std::string_view what) {
    const auto length = number<uint64_t>(what);
    return {reinterpret_cast<const char*>(take(length, what)), length};
  }

 private:
  const std::byte* take(uint64_t count, std::string_view what) {
    if (count > remaining()) {
      fail("{}: is cut short: {} at byte {} needs {} bytes, but {} are left", place_, what,
           position_, count, remaining());
    }
    const std::byte* start = bytes_.data() + position_;
    position_ += count;
    return start;
  }

  std::span<const std::byte> bytes_;
  std::string place_;
  uint64_t position_ = 0;
};

}  // namespace qk
