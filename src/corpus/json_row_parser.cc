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
  bool is_text() const { return depth_ == 1 && key_is_text_; }
  bool is_id() const { return depth_ == 1 && key_is_id_; }

  // Notes the kind of a value; of a key that occurs twice, the last one's.
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
  respell_non_numbers(json);
  RowHandler handler(columns, where);
  const bool parsed = nlohmann::json::sax_parse(json, &handler);
  QK_CHECK(parsed);  // every refusal throws
  return handler.take_row();
}

}  // namespace qk
