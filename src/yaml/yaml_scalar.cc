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

// Two digits below 60, or one: a part of a number in base 60 after the first.
bool sixtieth(std::string_view text) {
  if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), digit))
    return false;
  return text.size() == 1 || text[0] <= '5';
}

// a:b:c in base 60.
std::optional<uint64_t> sexagesimal(std::string_view text) {
  uint64_t value = 0;
  for (bool is_first = true;; is_first = false) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const auto number = digits(part, 10);
    if (!number || (!is_first && !sixtieth(part))) return {};
    if (value > std::numeric_limits<uint32_t>::max()) return {};
    value = value * 60 + *number;
    if (colon == std::string_view::npos) return value;
    text.remove_prefix(colon + 1);
  }
}

// a:b.c in base 60.
std::optional<double> sexagesimal_fraction(std::string_view text) {
  const double sign = text.starts_with('-') ? -1 : 1;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const size_t point = text.find('.');
  if (point == std::string_view::npos || text.find(':') > point) return {};
  const auto whole = sexagesimal(text.substr(0, point));
  const std::string fraction = "0" + without_underscores(text.substr(point));
  double part = 0;
  const char* end = fraction.data() + fraction.size();
  const auto [stop, error] = std::from_chars(fraction.data(), end, part, std::chars_format::fixed);
  if (!whole || error != std::errc() || stop != end) return {};
  return sign * (static_cast<double>(*whole) + part);
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
  if (const auto fraction = sexagesimal_fraction(text)) return fraction;
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

// The characters of `text`, of which 0 in `pattern` stands for a digit.
bool looks_like(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() &&
         std::equal(text.begin(), text.end(), pattern.begin(),
                    [](char c, char p) { return p == '0' ? digit(c) : c == p; });
}

// Removes one or two digits from the front; false if there are none.
bool take_one_or_two(std::string_view& text) {
  if (text.empty() || !digit(text[0])) return false;
  text.remove_prefix(text.size() > 1 && digit(text[1]) ? 2 : 1);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

void skip(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

// "", "Z", "+1", "-01:30", with spaces before.
bool time_zone(std::string_view text) {
  skip(text, " \t");
  if (text.empty() || text == "Z") return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  return take_one_or_two(text) && (text.empty() || looks_like(text, ":00"));
}

// 2024-01-31, or 2024-1-31T1:20:30.5 with a time zone or without.
bool date(std::string_view text) {
  if (looks_like(text, "0000-00-00")) return true;
  if (text.size() < 5 || !looks_like(text.substr(0, 5), "0000-")) return false;
  text.remove_prefix(5);
  if (!take_one_or_two(text) || !take(text, '-') || !take_one_or_two(text)) return false;
  const size_t before = text.size();
  if (!take(text, 'T') && !take(text, 't')) skip(text, " \t");
  if (text.size() == before || !take_one_or_two(text)) return false;
  if (text.size() < 6 || !looks_like(text.substr(0, 6), ":00:00")) return false;
  text.remove_prefix(6);
  if (take(text, '.')) skip(text, "0123456789");
  return time_zone(text);
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
