#include "formats/json.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace qk {
namespace {

using nlohmann::json;

std::string line_and_column(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
  return fmt::format("line {}, column {}", line, std::max<size_t>(before.size() - line_start, 1));
}

// The parser's own sentence without its error code and place.
std::string reason_of(std::string_view what) {
  for (std::string_view prefix : {"] ", ": "}) {
    const size_t at = what.find(prefix);
    if (at != std::string_view::npos) what.remove_prefix(at + prefix.size());
    if (!what.starts_with("parse error at")) break;
  }
  return printable(what, 200);
}

// Numbers that JSON cannot spell, by their place among the numbers of the text.
using PythonNumbers = std::map<size_t, double>;

// Receives the parser's events and builds the value.
class Builder {
 public:
  // python: what parse_python_json takes; null: strict
  Builder(std::string_view text, std::string_view place, JsonLimits limits,
          const PythonNumbers* python = nullptr)
      : text_(text), place_(place), limits_(limits), python_(python) {}
  json take() { return std::move(root_); }

  // The names are nlohmann's.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add_number(value); }
  bool number_unsigned(uint64_t value) { return add_number(value); }
  bool number_float(double value, const std::string&) { return add_number(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t&) { return false; }  // not in JSON
  bool start_object(size_t) { return open(json::object()); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    auto [at, is_new] = stack_.back()->get_ref<json::object_t&>().try_emplace(name);
    if (!is_new && python_ == nullptr) {
      fail("{}: key '{}' occurs twice in one object", place_, printable(name));
    }
    slot_ = &at->second;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const json::exception& error) {
    fail("{}: {}: is not JSON: {}", place_, line_and_column(text_, position),
         reason_of(error.what()));
  }

 private:
  json* place_value(json value) {
    if (++num_values_ > limits_.values) {
      fail("{}: holds more than {} values", place_, limits_.values);
    }
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      auto& array = stack_.back()->get_ref<json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool add(json value) {
    place_value(std::move(value));
    return true;
  }
  bool add_number(json value) {
    const size_t index = num_numbers_++;
    if (python_ == nullptr) return add(std::move(value));
    const auto it = python_->find(index);
    return add(it == python_->end() ? std::move(value) : json(it->second));
  }
  bool open(json value) {
    if (static_cast<int64_t>(stack_.size()) >= limits_.depth) {
      fail("{}: is nested more than {} deep", place_, limits_.depth);
    }
    stack_.push_back(place_value(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view place_;
  JsonLimits limits_;
  const PythonNumbers* python_;
  json root_;
  std::vector<json*> stack_;  // the open arrays and objects
  json* slot_ = nullptr;      // where the value of the last key goes
  int64_t num_values_ = 0;
  size_t num_numbers_ = 0;
};

// Rewrites what Python takes beside JSON as JSON of the same length, so that places in messages
// stay true; the values of the rewritten numbers are in numbers().
class PythonText {
 public:
  explicit PythonText(std::string_view text) : text_(text) {
    while (at_ < text_.size()) {
      const char next = text_[at_];
      if (next == '"') {
        skip_string();
      } else if (next == '-' || next == 'N' || next == 'I' || (next >= '0' && next <= '9')) {
        skip_number();
      } else {
        ++at_;
      }
    }
  }
  const std::string& text() const { return text_; }
  const PythonNumbers& numbers() const { return numbers_; }

 private:
  void skip_string() {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        ++at_;
      } else if (const int unit = code_unit(at_); unit >= 0xD800 && unit < 0xE000) {
        skip_surrogate(unit);
      } else {
        at_ += 2;
      }
    }
    ++at_;
  }

  // The value of "\uXXXX" at `place`, or -1.
  int code_unit(size_t place) const {
    if (place + 6 > text_.size() || text_.compare(place, 2, "\\u") != 0) return -1;
    int value = 0;
    const char* const first = text_.data() + place + 2;
    const auto [end, error] = std::from_chars(first, first + 4, value, 16);
    return error == std::errc() && end == first + 4 && *first != '-' ? value : -1;
  }

  void skip_surrogate(int unit) {
    const int second = code_unit(at_ + 6);
    if (unit < 0xDC00 && second >= 0xDC00 && second < 0xE000) {
      at_ += 12;
      return;
    }
    text_.replace(at_, 6, "\\ufffd");
    at_ += 6;
  }

  void skip_number() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const bool inside = at_ > 0 && (std::isalnum(static_cast<unsigned char>(text_[at_ - 1])) != 0 ||
                                    text_[at_ - 1] == '-' || text_[at_ - 1] == '.');
    for (const auto& [word, value] : {std::pair<std::string_view, double>{"NaN", std::nan("")},
                                      {"Infinity", kInfinity},
                                      {"-Infinity", -kInfinity}}) {
      if (!inside && text_.compare(at_, word.size(), word) == 0) return replace(word.size(), value);
    }
    const size_t end = std::min(text_.find_first_not_of("0123456789+-.eE", at_), text_.size());
    if (end == at_) {  // no number: left to the parser's message
      ++at_;
      return;
    }
    const double value = std::strtod(text_.substr(at_, end - at_).c_str(), nullptr);
    if (std::isinf(value)) return replace(end - at_, value);
    ++num_numbers_;
    at_ = end;
  }

  void replace(size_t length, double value) {
    text_.replace(at_, length, "0" + std::string(length - 1, ' '));
    numbers_.emplace(num_numbers_++, value);
    at_ += length;
  }

  std::string text_;
  size_t at_ = 0;
  size_t num_numbers_ = 0;
  PythonNumbers numbers_;
};

// nlohmann takes a NUL byte for the end of the text.
void refuse_nul(std::string_view text, std::string_view place) {
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    fail("{}: {}: is not JSON: a NUL byte", place, line_and_column(text, nul + 1));
  }
}

}  // namespace

json parse_python_json(std::string_view text, std::string_view place, JsonLimits limits) {
  refuse_nul(text, place);
  const PythonText python(text);
  Builder builder(python.text(), place, limits, &python.numbers());
  json::sax_parse(python.text().begin(), python.text().end(), &builder);
  return builder.take();
}

json parse_json(std::string_view text, std::string_view place, JsonLimits limits) {
  refuse_nul(text, place);
  Builder builder(text, place, limits);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace qk
