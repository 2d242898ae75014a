#include "corpus/json_row_parser.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

// NaN and Infinity are not JSON, but Python writes them. They are replaced by spellings of zero
// that nobody else uses, and known again by them.
constexpr std::string_view kNanSpelling = "0e-7777771";
constexpr std::string_view kInfinitySpelling = "0e-7777772";

// Only outside of strings, and only where a value can stand.
void respell_non_numbers(std::string& json) {
  constexpr std::string_view kNan = "NaN";
  constexpr std::string_view kInfinity = "Infinity";
  if (json.find(kNan) == std::string::npos && json.find(kInfinity) == std::string::npos) return;
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < json.size();) {
    const std::string_view rest = std::string_view(json).substr(i);
    const char before = i == 0 ? ' ' : json[i - 1];
    const bool is_infinity = rest.starts_with(kInfinity);
    const size_t length = is_infinity ? kInfinity.size() : kNan.size();
    const bool stands_alone =
        std::string_view(" \t\r\n:,[").find(before) != std::string_view::npos ||
        (is_infinity && before == '-');
    const bool ends = rest.size() == length ||
                      (rest.size() > length &&
                       std::string_view(" \t\r\n,]}").find(rest[length]) != std::string_view::npos);
    if (!in_string && stands_alone && ends && (is_infinity || rest.starts_with(kNan))) {
      out += is_infinity ? kInfinitySpelling : kNanSpelling;
      i += length;
      continue;
    }
    if (json[i] == '"') in_string = !in_string;
    out += json[i];
    if (in_string && json[i] == '\\' && i + 1 < json.size()) out += json[++i];
    ++i;
  }
  json = std::move(out);
}

class RowHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  RowHandler(const Columns& columns, const std::string& where) : columns_(columns), where_(where) {}

  bool null() override { return value("null", std::monostate{}); }
  bool boolean(bool v) override { return value("a boolean", v); }
  bool number_integer(number_integer_t v) override { return value("a number", int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (v <= kLargest) return value("a number", static_cast<int64_t>(v));
    return value("a number", uint64_t{v});
  }
  bool number_float(number_float_t v, const std::string& token) override {
    if (token.ends_with(kNanSpelling)) {
      return value("a number", std::numeric_limits<double>::quiet_NaN());
    }
    if (token.ends_with(kInfinitySpelling)) {
      const double infinity = std::numeric_limits<double>::infinity();
      return value("a number", token.front() == '-' ? -infinity : infinity);
    }
    const bool is_integer = token.find_first_of(".eE") == std::string::npos;  // beyond 64 bits
    return is_integer ? value("a number", OpaqueId{token}) : value("a number", v);
  }
  bool string(std::string& v) override {
    check_row("a string");
    if (is_id()) set_id(v);
    if (is_text()) row_.text = std::move(v);
    return true;
  }
  bool binary(nlohmann::json::binary_t& /*v*/) override {
    return value("binary", std::monostate{});
  }
  bool start_object(size_t /*n*/) override {
    if (depth_ == 1) refuse("an object");
    ++depth_;
    return true;
  }
  bool start_array(size_t /*n*/) override {
    check_row("a list");
    if (depth_ == 1) refuse("a list");
    ++depth_;
    return true;
  }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    if (depth_ != 1) return true;
    constexpr size_t kShown = 20;
    key_is_text_ = name == columns_.text;
    key_is_id_ = columns_.id && name == *columns_.id;
    if (num_keys_++ < kShown) keys_ += (keys_.empty() ? "" : ", ") + printable(name);
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    std::string_view message = error.what();  // "[json.exception...] parse error at ...: ..."
    const size_t label = message.find("] ");
    if (label != std::string_view::npos) message.remove_prefix(label + 2);
    fail("{}: not JSON: {}", where_, printable(message, 200));
  }

  JsonRow take_row() { return std::move(row_); }
  const std::string& keys() const { return keys_; }

 private:
  bool is_text() const { return depth_ == 1 && key_is_text_; }
  bool is_id() const { return depth_ == 1 && key_is_id_; }

  // A value that is not a string.
  template <typename T>
  bool value(const char* kind, T id) {
    check_row(kind);
    if (is_text()) refuse_text(kind);
    if (is_id()) set_id(std::move(id));
    return true;
  }
  template <typename T>
  void set_id(T id) {
    row_.id.emplace<T>(std::move(id));
    row_.has_id = true;
  }
  // The row itself must be an object.
  bool check_row(const char* kind) const {
    if (depth_ == 0) fail("{}: expected an object, found {}", where_, kind);
    return true;
  }
  // A list or an object as the value of a column.
  void refuse(const char* kind) const {
    if (key_is_text_) refuse_text(kind);
    if (!key_is_id_) return;
    fail("{}: column '{}': expected a string, a number, a boolean or null, found {}", where_,
         printable(*columns_.id), kind);
  }
  [[noreturn]] void refuse_text(const char* kind) const {
    fail("{}: column '{}': expected a string, found {}", where_, printable(columns_.text), kind);
  }
  bool leave() {
    --depth_;
    return true;
  }

  const Columns& columns_;
  const std::string& where_;
  JsonRow row_;
  std::string keys_;  // the first ones, for messages
  size_t num_keys_ = 0;
  size_t depth_ = 0;
  bool key_is_text_ = false;
  bool key_is_id_ = false;
};

}  // namespace

JsonRow parse_json_row(std::string& json, const Columns& columns, const std::string& where) {
  respell_non_numbers(json);
  RowHandler handler(columns, where);
  const bool parsed = nlohmann::json::sax_parse(json, &handler);
  QK_CHECK(parsed);  // every refusal throws
  JsonRow row = handler.take_row();
  if (!row.text) {
    fail("{}: no column '{}': it has {}", where, printable(columns.text), handler.keys());
  }
  return row;
}

}  // namespace qk
