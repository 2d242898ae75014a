#include "corpus/json_row_parser.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "corpus/json_non_numbers.h"

namespace qk {
namespace {

class RowHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  RowHandler(const Columns& columns, NonNumbers non_numbers, const std::string& where)
      : columns_(columns), non_numbers_(std::move(non_numbers)), where_(where) {}

  bool null() override { return value("null", std::monostate{}); }
  bool boolean(bool v) override { return value("a boolean", v); }
  bool number_integer(number_integer_t v) override { return value("a number", int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (v <= kLargest) return value("a number", static_cast<int64_t>(v));
    return value("a number", uint64_t{v});
  }
  bool number_float(number_float_t v, const std::string& token) override {
    if (is_spelling(token, non_numbers_.nan)) {
      return value("a number", std::numeric_limits<double>::quiet_NaN());
    }
    if (is_spelling(token, non_numbers_.infinity)) {
      const double infinity = std::numeric_limits<double>::infinity();
      return value("a number", token.front() == '-' ? -infinity : infinity);
    }
    const bool is_integer = token.find_first_of(".eE") == std::string::npos;  // beyond 64 bits
    return is_integer ? value("a number", OpaqueId{token}) : value("a number", v);
  }
  bool string(std::string& v) override {
    see("a string");
    if (is_id()) row_.id.emplace<std::string>(v);
    if (is_text()) row_.text = std::move(v);
    return true;
  }
  bool binary(nlohmann::json::binary_t& /*v*/) override {
    return value("binary", std::monostate{});
  }
  bool start_object(size_t /*n*/) override {
    if (depth_ > 0) see("an object");
    ++depth_;
    return true;
  }
  bool start_array(size_t /*n*/) override {
    see("a list");
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
    if (num_keys_++ < kShown) row_.keys += (row_.keys.empty() ? "" : ", ") + printable(name);
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    std::string_view message = error.what();  // "[json.exception...] parse error at ...: ..."
    const size_t label = message.find("] ");
    if (label != std::string_view::npos) message.remove_prefix(label + 2);
    fail("{}: not JSON: {}", where_, printable(message, 200));
  }

  // The row, if its columns are there and of the right kinds. REQUIRES: all of it is parsed.
  JsonRow take_row() {
    if (text_kind_.empty()) {
      fail("{}: no column '{}': it has {}", where_, printable(columns_.text), row_.keys);
    }
    if (text_kind_ != "a string" && columns_.keep_faulty) {
      row_.fault = TextFault::kNoText;
      row_.text.clear();
    } else if (text_kind_ != "a string") {
      fail("{}: column '{}': expected a string, found {}", where_, printable(columns_.text),
           text_kind_);
    }
    if (id_kind_ == "a list" || id_kind_ == "an object") {
      fail("{}: column '{}': expected a string, a number, a boolean or null, found {}", where_,
           printable(columns_.id.value_or("")), id_kind_);
    }
    row_.has_id = !id_kind_.empty();
    return std::move(row_);
  }

 private:
  static bool is_spelling(const std::string& token, const std::string& spelling) {
    return !spelling.empty() && token.ends_with(spelling);  // perhaps after a '-'
  }
  bool is_text() const { return depth_ == 1 && key_is_text_; }
  bool is_id() const { return depth_ == 1 && key_is_id_; }

  // Records the kind of a value; of a key that occurs twice, that of the last one.
  void see(std::string_view kind) {
    if (depth_ == 0) fail("{}: expected an object, found {}", where_, kind);
    if (is_text()) text_kind_ = kind;
    if (is_id()) id_kind_ = kind;
  }
  // A value that is neither a string nor made of others.
  template <typename T>
  bool value(std::string_view kind, T id) {
    see(kind);
    if (is_id()) row_.id.emplace<T>(std::move(id));
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  const Columns& columns_;
  NonNumbers non_numbers_;
  const std::string& where_;
  JsonRow row_;
  std::string_view text_kind_;  // empty: the key did not occur
  std::string_view id_kind_;
  size_t num_keys_ = 0;
  size_t depth_ = 0;
  bool key_is_text_ = false;
  bool key_is_id_ = false;
};

}  // namespace

JsonRow parse_json_row(std::string& json, const Columns& columns, const std::string& where) {
  RowHandler handler(columns, respell_non_numbers(json), where);
  const bool parsed = nlohmann::json::sax_parse(json, &handler);
  QK_CHECK(parsed);  // every refusal throws
  return handler.take_row();
}

}  // namespace qk
