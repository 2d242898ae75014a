#include "report/csv_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace qk {
namespace {

constexpr int kFixedFrom = -4;  // decimal exponents
constexpr int kFixedTo = 16;

// "d.ddde+xx": its digits without the point, and the exponent.
struct Digits {
  std::string digits;
  int exponent = 0;
};

Digits shortest(double number) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific)
          .ptr;
  const std::string_view all(text.data(), static_cast<size_t>(end - text.data()));
  const size_t e = all.find('e');
  Digits out;
  for (const char c : all.substr(0, e)) {
    if (c != '.') out.digits += c;
  }
  const size_t sign = all[e + 1] == '+' ? 1 : 0;
  std::from_chars(all.data() + e + 1 + sign, end, out.exponent);
  return out;
}

std::string fixed(const Digits& number) {
  const int count = static_cast<int>(number.digits.size());
  if (number.exponent < 0) {
    return "0." + std::string(static_cast<size_t>(-number.exponent - 1), '0') + number.digits;
  }
  const int whole = number.exponent + 1;
  if (count <= whole) {
    return number.digits + std::string(static_cast<size_t>(whole - count), '0') + ".0";
  }
  return number.digits.substr(0, static_cast<size_t>(whole)) + "." +
         number.digits.substr(static_cast<size_t>(whole));
}

std::string scientific(const Digits& number) {
  std::string out = number.digits.substr(0, 1);
  if (number.digits.size() > 1) out += "." + number.digits.substr(1);
  const std::string exponent = std::to_string(std::abs(number.exponent));
  out += number.exponent < 0 ? "e-" : "e+";
  return out + (exponent.size() < 2 ? "0" : "") + exponent;
}

}  // namespace

void append_csv_number(std::string& line, double number) {
  if (std::isnan(number)) return;
  if (std::signbit(number)) line += '-';
  number = std::abs(number);
  if (std::isinf(number)) {
    line += "inf";
    return;
  }
  const Digits digits = shortest(number);
  const bool is_fixed =
      number == 0 || (digits.exponent >= kFixedFrom && digits.exponent < kFixedTo);
  line += is_fixed ? fixed(digits) : scientific(digits);
}

}  // namespace qk
