// Scalars of YAML 1.1 as PyYAML's safe loader resolves them (its resolver's patterns, by hand).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "yaml/yaml_reader.h"

namespace qk {
namespace {

constexpr std::array<std::string_view, 18> kBooleans = {
    "yes", "Yes", "YES", "true",  "True",  "TRUE",  "on",  "On",  "ON",    // true
    "no",  "No",  "NO",  "false", "False", "FALSE", "off", "Off", "OFF"};  // false
constexpr size_t kFirstFalse = 9;
constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string without_underscores(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != '_'; });
  return out;
}

// The digits' value in the base; empty if a character is not a digit, or out of range.
std::optional<uint64_t> digits(std::string_view text, int base) {
  const std::string plain = without_underscores(text);
  uint64_t value = 0;
  const char* end = plain.data() + plain.size();
  const auto [stop, error] = std::from_chars(plain.data(), end, value, base);
  if (plain.empty() || error != std::errc() || stop != end) return {};
  return value;
}

// a:b:c in base 60.
std::optional<uint64_t> sexagesimal(std::string_view text) {
  uint64_t value = 0;
  while (true) {
    const size_t colon = text.find(':');
    const auto part = digits(text.substr(0, colon), 10);
    if (!part || value > std::numeric_limits<uint32_t>::max()) return {};
    value = value * 60 + *part;
    if (colon == std::string_view::npos) return value;
    text.remove_prefix(colon + 1);
    if (text.size() >= 2 && digit(text[1]) && text[0] > '5') return {};
  }
}

std::optional<uint64_t> magnitude(std::string_view text) {
  if (text.empty() || !digit(text[0])) return {};
  if (text == "0") return 0;
  if (text.starts_with("0x")) return digits(text.substr(2), 16);
  if (text.starts_with("0b")) return digits(text.substr(2), 2);
  if (text[0] == '0') return digits(text.substr(1), 8);
  if (text.find(':') != std::string_view::npos) return sexagesimal(text);
  return digits(text, 10);
}

std::optional<int64_t> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto value = magnitude(text);
  constexpr auto kHighest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value || *value > kHighest) return {};
  return negative ? -static_cast<int64_t>(*value) : static_cast<int64_t>(*value);
}

std::optional<double> infinity_or_nan(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::nan("");
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text != ".inf" && text != ".Inf" && text != ".INF") return {};
  return negative ? -HUGE_VAL : HUGE_VAL;
}

// A decimal number in any spelling. PyYAML wants a point and a signed exponent: "1e-3" is text to
// it.
std::optional<double> number(std::string_view text) {
  if (const auto special = infinity_or_nan(text)) return special;
  std::string plain = without_underscores(text);
  if (plain.starts_with('+')) plain.erase(0, 1);
  const size_t first = plain.starts_with('-') ? 1 : 0;
  if (first >= plain.size() || (!digit(plain[first]) && plain[first] != '.')) return {};
  if (std::none_of(plain.begin(), plain.end(), digit)) return {};
  double value = 0;
  const char* end = plain.data() + plain.size();
  const auto [stop, error] = std::from_chars(plain.data(), end, value);
  if (error != std::errc() || stop != end) return {};
  return value;
}

// 2024-01-31, with or without a time of day, and whatever else has its characters.
bool date(std::string_view text) {
  if (text.size() < 8 || text[4] != '-') return false;
  if (!std::all_of(text.begin(), text.begin() + 4, digit)) return false;
  return std::all_of(text.begin() + 4, text.end(), [](char c) {
    return digit(c) || std::string_view("-:. TtZz+").find(c) != std::string_view::npos;
  });
}

}  // namespace

YamlValue resolve_scalar(std::string_view text) {
  using Kind = YamlValue::Kind;
  YamlValue value;
  value.text = std::string(text);
  value.kind = Kind::kText;
  if (std::find(kNulls.begin(), kNulls.end(), text) != kNulls.end()) {
    value.kind = Kind::kNull;
  } else if (const auto* word = std::find(kBooleans.begin(), kBooleans.end(), text);
             word != kBooleans.end()) {
    value.kind = Kind::kBoolean;
    value.boolean = static_cast<size_t>(word - kBooleans.begin()) < kFirstFalse;
  } else if (const auto whole = integer(text)) {
    value.kind = Kind::kInteger;
    value.integer = *whole;
    value.number = static_cast<double>(*whole);
  } else if (const auto real = number(text)) {
    value.kind = Kind::kNumber;
    value.number = *real;
  } else if (date(text)) {
    value.kind = Kind::kDate;
  }
  return value;
}

}  // namespace qk
