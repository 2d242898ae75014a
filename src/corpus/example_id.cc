#include "corpus/example_id.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"

namespace qk {
namespace {

// Shortest digits that read back as the same number: value = 0.d1d2d3... * 10^point.
struct Decimal {
  std::string digits;
  int point = 0;
};

// REQUIRES: value is finite and not negative.
Decimal shortest_decimal(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<size_t>(end.ptr - buffer.data()));
  const size_t e = text.find('e');
  Decimal out;
  for (const char c : text.substr(0, e)) {
    if (c != '.') out.digits += c;
  }
  const size_t exponent = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + exponent, text.data() + text.size(), out.point);
  ++out.point;
  return out;
}

std::string positional(const Decimal& number) {
  const auto num_digits = static_cast<int>(number.digits.size());
  if (number.point <= 0) {
    return "0." + std::string(static_cast<size_t>(-number.point), '0') + number.digits;
  }
  if (number.point >= num_digits) {
    return number.digits + std::string(static_cast<size_t>(number.point - num_digits), '0') + ".0";
  }
  const auto point = static_cast<size_t>(number.point);
  return number.digits.substr(0, point) + "." + number.digits.substr(point);
}

std::string with_exponent(const Decimal& number) {
  const int exponent = number.point - 1;
  const std::string rest = number.digits.substr(1);
  return fmt::format("{}{}{}e{}{:02}", number.digits[0], rest.empty() ? "" : ".", rest,
                     exponent < 0 ? '-' : '+', std::abs(exponent));
}

int64_t id_of_double(double value) {
  if (!std::isfinite(value) || value != std::trunc(value)) {
    return blake2b8(python_float_text(value));
  }
  if (value < -0x1p63 || value >= 0x1p63) {
    fail("id: expected a whole number within 64 bits, found {}", python_float_text(value));
  }
  return static_cast<int64_t>(value);
}

}  // namespace

int64_t normalise_example_id(const RawId& raw) {
  struct Visitor {
    int64_t operator()(std::monostate) const { return blake2b8("None"); }
    int64_t operator()(bool value) const { return value ? 1 : 0; }
    int64_t operator()(int64_t value) const { return value; }
    int64_t operator()(uint64_t value) const {
      if (value <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(value);
      return blake2b8(std::to_string(value));
    }
    int64_t operator()(double value) const { return id_of_double(value); }
    int64_t operator()(const std::string& text) const { return blake2b8(text); }
    int64_t operator()(const OpaqueId& id) const { return blake2b8(id.text); }
  };
  return std::visit(Visitor{}, raw);
}

int32_t narrow_example_id(int64_t id) { return static_cast<int32_t>(static_cast<uint32_t>(id)); }

std::string python_float_text(double value) {
  if (std::isnan(value)) return "nan";
  const std::string sign = std::signbit(value) ? "-" : "";
  if (std::isinf(value)) return sign + "inf";
  if (value == 0) return sign + "0.0";
  const Decimal number = shortest_decimal(std::fabs(value));
  const bool plain = -4 < number.point && number.point <= 16;
  return sign + (plain ? positional(number) : with_exponent(number));
}

std::string python_bytes_text(std::string_view bytes) {
  // Double quotes only where single ones would need escapes.
  const bool has_single = bytes.find('\'') != std::string_view::npos;
  const char quote = has_single && bytes.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out = {'b', quote};
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\\' || c == quote) {
      out += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + quote;
}

}  // namespace qk
