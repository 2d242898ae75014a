#include "corpus/example_id.h"

#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "base/python_float.h"

namespace qk {
namespace {

int64_t id_of_double(double value) {
  if (!std::isfinite(value) || value != std::trunc(value)) {
    return blake2b8(python_float_text(value));
  }
  if (value < -0x1p63 || value >= 0x1p63) {
    fail("expected a whole number within 64 bits, found {}", python_float_text(value));
  }
  return static_cast<int64_t>(value);
}

}  // namespace

int64_t normalise_example_id(const RawId& raw) {
  struct Visitor {
    int64_t operator()(std::monostate) const { return blake2b8(id_text({})); }
    int64_t operator()(bool value) const { return value ? 1 : 0; }
    int64_t operator()(int64_t value) const { return value; }
    int64_t operator()(uint64_t value) const {
      if (value <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(value);
      return blake2b8(id_text(value));
    }
    int64_t operator()(double value) const { return id_of_double(value); }
    int64_t operator()(const std::string& text) const { return blake2b8(text); }
    int64_t operator()(const OpaqueId& id) const { return blake2b8(id.text); }
  };
  return std::visit(Visitor{}, raw);
}

std::string id_text(const RawId& raw) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool value) const { return value ? "True" : "False"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(uint64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return python_float_text(value); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const OpaqueId& id) const { return id.text; }
  };
  return std::visit(Visitor{}, raw);
}

std::string python_bytes_text(std::string_view bytes) {
  // Double quotes only where single ones would need escapes.
  const bool has_single = bytes.find('\'') != std::string_view::npos;
  const char quote = has_single && bytes.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out = {'b', quote};
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\\' || c == quote) {
      out += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + quote;
}

}  // namespace qk
