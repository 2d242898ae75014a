#include "model/gguf_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/gguf_header.h"

namespace qk {
namespace {

constexpr std::string_view kConverterWritesIt =
    "llama.cpp's convert_hf_to_gguf.py always writes this key";

}  // namespace

std::string GgufKeys::where(std::string_view key) const {
  return file_.path().string() + ": " + printable(full(key));
}

const GgufValue* GgufKeys::find(std::string_view key) const {
  const auto it = file_.metadata().find(full(key));
  return it == file_.metadata().end() ? nullptr : &it->second;
}

std::string GgufKeys::shown(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return "nothing";
  if (const auto* text = std::get_if<std::string>(value)) return printable(*text, 60);
  if (const auto* flag = std::get_if<bool>(value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<uint64_t>(value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<int64_t>(value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<double>(value)) {
    return fmt::format("{}", static_cast<float>(*number));
  }
  return std::string(gguf_kind(*value));
}

std::optional<int64_t> GgufKeys::integer(std::string_view key) const {
  const auto value = file_.integer(full(key));
  if (value && *value < 0) {
    fail("{}: expected an integer of at least 0, found {}", where(key), *value);
  }
  return value;
}

std::optional<double> GgufKeys::number(std::string_view key) const {
  const auto value = file_.number(full(key));
  if (value && !std::isfinite(*value)) {
    fail("{}: expected a finite number, found {}", where(key), *value);
  }
  return value;
}

int64_t GgufKeys::required_integer(std::string_view key) const {
  const auto value = integer(key);
  if (!value) fail("{}: expected an integer, found nothing; {}", where(key), kConverterWritesIt);
  return *value;
}

double GgufKeys::required_number(std::string_view key) const {
  const auto value = number(key);
  if (!value) fail("{}: expected a number, found nothing; {}", where(key), kConverterWritesIt);
  return *value;
}

std::optional<std::vector<int64_t>> GgufKeys::list(std::string_view key, int64_t num_layers) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<int64_t> out;
  if (const auto* flags = std::get_if<std::vector<bool>>(value)) {
    out.assign(flags->begin(), flags->end());
  } else if (std::holds_alternative<std::vector<uint64_t>>(*value) ||
             std::holds_alternative<std::vector<int64_t>>(*value)) {
    out = *file_.integers(full(key));
  } else {
    return std::nullopt;
  }
  if (std::ssize(out) != num_layers) {
    fail("{}: expected an entry for each of {} layers (block_count), found {}", where(key),
         num_layers, out.size());
  }
  return out;
}

std::optional<int64_t> GgufKeys::per_layer(std::string_view key, int64_t num_layers) const {
  const auto values = list(key, num_layers);
  if (!values || values->empty()) return integer(key);
  for (const int64_t value : *values) {
    if (value == values->front() && value >= 0) continue;
    fail("{}: expected the same number in every layer, found {} and {}", where(key),
         values->front(), value);
  }
  return values->front();
}

std::optional<std::vector<bool>> GgufKeys::flags(std::string_view key, int64_t num_layers) const {
  const auto values = list(key, num_layers);
  if (!values) return std::nullopt;
  std::vector<bool> out;
  for (const int64_t value : *values) out.push_back(value != 0);
  return out;
}

void GgufKeys::refuse_unless(std::string_view key, std::initializer_list<double> values) const {
  const auto found = number(key);
  if (!found) return;
  for (const double value : values) {
    if (std::abs(*found - value) <= 1e-6 * std::abs(value)) return;
  }
  std::vector<float> expected(values.begin(), values.end());
  fail("{}: expected {}, found {}: other values are not supported for this architecture",
       where(key), fmt::join(expected, " or "), shown(key));
}

void GgufKeys::refuse_unless_flag(std::string_view key, bool value) const {
  const auto found = file_.boolean(full(key));
  if (!found || *found == value) return;
  fail("{}: expected {}, found {}: this is not supported for this architecture", where(key), value,
       *found);
}

}  // namespace qk
