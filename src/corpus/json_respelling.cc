#include "corpus/json_respelling.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace qk {
namespace {

constexpr size_t kEscape = 6;  // \uXXXX
constexpr std::array<std::string_view, 3> kConstants = {"NaN", "Infinity", "-Infinity"};

bool is_one_of(std::string_view characters, char c) {
  return characters.find(c) != std::string_view::npos;
}

// The UTF-16 unit that an escape at the beginning of the text stands for.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < kEscape || !text.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* end = text.data() + kEscape;
  const auto result = std::from_chars(text.data() + 2, end, unit, 16);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return unit;
}

bool is_high(unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; }

size_t count_digits(std::string_view text) {
  const size_t end = text.find_first_not_of("0123456789");
  return std::min(end, text.size());
}

// The bytes of the JSON number that the text begins with; 0 if there is none.
size_t number_size(std::string_view text) {
  size_t size = text.starts_with('-') ? 1 : 0;
  const size_t digits = count_digits(text.substr(size));
  if (digits == 0 || (digits > 1 && text[size] == '0')) return 0;
  size += digits;
  if (text.substr(size).starts_with('.')) {
    const size_t fraction = count_digits(text.substr(size + 1));
    if (fraction == 0) return 0;
    size += 1 + fraction;
  }
  if (size < text.size() && is_one_of("eE", text[size])) {
    const size_t sign = size + 1 < text.size() && is_one_of("+-", text[size + 1]) ? 1 : 0;
    const size_t exponent = count_digits(text.substr(std::min(size + 1 + sign, text.size())));
    if (exponent == 0) return 0;
    size += 1 + sign + exponent;
  }
  return size;
}

class Respeller {
 public:
  explicit Respeller(std::string_view json) : json_(json) { out_.reserve(json.size() + 64); }

  RespeltStrings run() {
    while (at_ < json_.size()) {
      if (json_[at_] == '"') {
        copy_string();
      } else if (const size_t size = unreadable_number(); size > 0) {
        strings_.numbers.push_back(num_strings_++);
        out_ += '"';
        copy(size);
        out_ += '"';
      } else {
        copy(1);
      }
    }
    return std::move(strings_);
  }
  std::string take_text() { return std::move(out_); }

 private:
  std::string_view rest() const { return json_.substr(at_); }

  void copy(size_t size) {
    out_ += json_.substr(at_, size);
    at_ += std::min(size, json_.size() - at_);
  }

  // The bytes of a number at this place that a strict parser refuses; 0 if there is none.
  size_t unreadable_number() const {
    if (!is_one_of("-0123456789NI", json_[at_])) return 0;
    if (at_ > 0 && !is_one_of(" \t\r\n:,[", json_[at_ - 1])) return 0;
    const auto* constant =
        std::ranges::find_if(kConstants, [&](auto word) { return rest().starts_with(word); });
    const bool is_constant = constant != kConstants.end();
    const size_t size = is_constant ? constant->size() : number_size(rest());
    const bool ends = size == rest().size() || (size > 0 && is_one_of(" \t\r\n,]}", rest()[size]));
    if (!ends) return 0;
    const bool is_too_large =
        !is_constant &&
        std::isinf(std::strtod(std::string(rest().substr(0, size)).c_str(), nullptr));
    return is_constant || is_too_large ? size : 0;
  }

  void copy_string() {
    bool is_faulty = false;
    copy(1);
    while (at_ < json_.size() && json_[at_] != '"') {
      is_faulty = json_[at_] == '\\' ? copy_escape() || is_faulty : copy_run() || is_faulty;
    }
    copy(1);
    if (is_faulty) strings_.faulty.push_back(num_strings_);
    ++num_strings_;
  }

  // Whether it stood for a lone surrogate.
  bool copy_escape() {
    const std::optional<unsigned> unit = escaped_unit(rest());
    if (unit && is_high(*unit)) {
      const std::optional<unsigned> second = escaped_unit(rest().substr(kEscape));
      if (second && is_low(*second)) {
        copy(2 * kEscape);
        return false;
      }
    }
    if (unit && (is_high(*unit) || is_low(*unit))) {
      out_ += "\\ufffd";
      at_ += kEscape;
      return true;
    }
    copy(2);
    return false;
  }

  // Up to the next escape or the end of the string; whether a byte of it was not UTF-8.
  bool copy_run() {
    std::string_view run = rest();
    run = run.substr(0, run.find_first_of("\"\\"));
    bool is_faulty = false;
    while (!run.empty()) {
      const size_t valid = first_invalid_utf8(run).value_or(run.size());
      copy(valid);
      run.remove_prefix(valid);
      if (run.empty()) break;
      out_ += "\\ufffd";
      ++at_;
      run.remove_prefix(1);
      is_faulty = true;
    }
    return is_faulty;
  }

  std::string_view json_;
  std::string out_;
  RespeltStrings strings_;
  size_t at_ = 0;
  size_t num_strings_ = 0;
};

}  // namespace

RespeltStrings respell_json(std::string& json) {
  Respeller respeller(json);
  RespeltStrings strings = respeller.run();
  json = respeller.take_text();
  return strings;
}

}  // namespace qk
