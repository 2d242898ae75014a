#include "corpus/json_row_parser.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "corpus/json_respelling.h"

namespace qk {
namespace {

constexpr const char* kWholeObjects = "; expected one whole object a line, or a list of objects";

class RowHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  // respelt: of the text that will be parsed. refuses: whether a text that is not JSON throws Error.
  RowHandler(const Columns& columns, RespeltStrings respelt, bool refuses, const std::string& where)
      : columns_(columns), respelt_(std::move(respelt)), refuses_(refuses), where_(where) {}

  bool null() override { return value("null", std::monostate{}); }
  bool boolean(bool v) override { return value("a boolean", v); }
  bool number_integer(number_integer_t v) override { return value("a number", int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (v <= kLargest) return value("a number", static_cast<int64_t>(v));
    return value("a number", uint64_t{v});
  }
  bool number_float(number_float_t v, const std::string& token) override {
    const bool is_integer = token.find_first_of(".eENI") == std::string::npos;  // beyond 64 bits
    return is_integer ? value("a number", OpaqueId{token}) : value("a number", v);
  }
  bool string(std::string& v) override {
    const size_t index = num_strings_++;
    if (std::ranges::binary_search(respelt_.numbers, index)) {
      return number_float(std::strtod(v.c_str(), nullptr), v);
    }
    see("a string");
    if (std::ranges::binary_search(respelt_.faulty, index)) {
      text_is_faulty_ = text_is_faulty_ || is_text();
      id_is_faulty_ = id_is_faulty_ || is_id();
    }
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
    const size_t index = num_strings_++;
    if (std::ranges::binary_search(respelt_.numbers, index)) {
      fail("{}: not JSON: {} is no key", where_, printable(name));
    }
    if (depth_ != 1) return true;
    constexpr size_t kShown = 20;
    const bool is_faulty = std::ranges::binary_search(respelt_.faulty, index);
    key_is_text_ = !is_faulty && name == columns_.text;
    key_is_id_ = !is_faulty && columns_.id && name == *columns_.id;
    if (num_keys_++ < kShown) row_.keys += (row_.keys.empty() ? "" : ", ") + printable(name);
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    if (!refuses_) return false;
    std::string_view message = error.what();  // "[json.exception...] parse error at ...: ..."
    const size_t label = message.find("] ");
    if (label != std::string_view::npos) message.remove_prefix(label + 2);
    const bool ends_wrongly = message.find("end of input") != std::string_view::npos;
    fail("{}: not JSON: {}{}", where_, printable(message, 200), ends_wrongly ? kWholeObjects : "");
  }

  // The row, if its columns are there and of the right kinds. REQUIRES: all of it is parsed.
  JsonRow take_row() {
    if (id_kind_ == "a list" || id_kind_ == "an object") {
      fail("{}: column '{}': expected a string, a number, a boolean or null, found {}", where_,
           printable(columns_.id.value_or("")), id_kind_);
    }
    row_.has_text = !text_kind_.empty();
    row_.has_id = !id_kind_.empty();
    if (text_kind_ != "a string") {
      row_.fault = TextFault::kNoText;
      if (text_kind_ != "null") row_.other_kind = text_kind_;
    } else if (text_is_faulty_ || (columns_.id && id_is_faulty_)) {
      row_.fault = TextFault::kNotUtf8;
    }
    if (row_.fault != TextFault::kNone) row_.text.clear();
    if (!columns_.keep_faulty) refuse_fault();
    return std::move(row_);
  }

 private:
  void refuse_fault() const {
    if (row_.fault == TextFault::kNoText && row_.has_text) {
      fail("{}: column '{}': expected a string, found {}; {}", where_, printable(columns_.text),
           text_kind_, kSkipAdvice);
    }
    if (row_.fault == TextFault::kNotUtf8) {
      fail(
          "{}: column '{}': expected Unicode text, found a lone surrogate or bytes that are not "
          "UTF-8; {}",
          where_, printable(text_is_faulty_ ? columns_.text : *columns_.id), kSkipAdvice);
    }
  }

  bool is_text() const { return depth_ == 1 && key_is_text_; }
  bool is_id() const { return depth_ == 1 && key_is_id_; }

  // Records the kind of a value; of a key that occurs twice, that of the last one.
  void see(std::string_view kind) {
    if (depth_ == 0) fail("{}: expected an object, found {}", where_, kind);
    if (is_text()) text_kind_ = kind;
    if (is_text()) text_is_faulty_ = false;
    if (is_id()) id_kind_ = kind;
    if (is_id()) id_is_faulty_ = false;
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
  RespeltStrings respelt_;
  bool refuses_;
  const std::string& where_;
  JsonRow row_;
  std::string_view text_kind_;  // empty: the key did not occur
  std::string_view id_kind_;
  bool text_is_faulty_ = false;  // not Unicode
  bool id_is_faulty_ = false;
  size_t num_strings_ = 0;  // keys included
  size_t num_keys_ = 0;
  size_t depth_ = 0;
  bool key_is_text_ = false;
  bool key_is_id_ = false;
};

}  // namespace

JsonRow parse_json_row(std::string& json, const Columns& columns, const std::string& where) {
  // The parser takes a NUL for the end.
  if (const size_t nul = json.find('\0'); nul != std::string::npos) {
    fail("{}: not JSON: found a NUL byte at offset {}", where, nul);
  }
  RowHandler strict(columns, {}, /*refuses=*/false, where);
  if (nlohmann::json::sax_parse(json, &strict)) return strict.take_row();
  RespeltStrings respelt = respell_json(json);
  RowHandler handler(columns, std::move(respelt), /*refuses=*/true, where);
  const bool parsed = nlohmann::json::sax_parse(json, &handler);
  QK_CHECK(parsed);  // every refusal throws
  return handler.take_row();
}

}  // namespace qk
