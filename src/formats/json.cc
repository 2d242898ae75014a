#include "formats/json.h"

#include <algorithm>
#include <cstdint>
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

// Receives the parser's events and builds the value.
class Builder {
 public:
  Builder(std::string_view text, std::string_view place, JsonLimits limits)
      : text_(text), place_(place), limits_(limits) {}
  json take() { return std::move(root_); }

  // The names are nlohmann's.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t&) { return false; }  // not in JSON
  bool start_object(size_t) { return open(json::object()); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    auto [at, is_new] = stack_.back()->get_ref<json::object_t&>().try_emplace(name);
    if (!is_new) fail("{}: key '{}' occurs twice in one object", place_, printable(name));
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
  json root_;
  std::vector<json*> stack_;  // the open arrays and objects
  json* slot_ = nullptr;      // where the value of the last key goes
  int64_t num_values_ = 0;
};

}  // namespace

json parse_json(std::string_view text, std::string_view place, JsonLimits limits) {
  // nlohmann takes a NUL byte for the end of the text.
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    fail("{}: {}: is not JSON: a NUL byte", place, line_and_column(text, nul + 1));
  }
  Builder builder(text, place, limits);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace qk
