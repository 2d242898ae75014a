#include "corpus/json_non_numbers.h"

#include <string_view>
#include <utility>

namespace qk {
namespace {

constexpr std::string_view kNan = "NaN";
constexpr std::string_view kInfinity = "Infinity";

bool is_one_of(std::string_view characters, char c) {
  return characters.find(c) != std::string_view::npos;
}

// The word at json[i], if it stands for a value there.
std::string_view word_at(std::string_view json, size_t i) {
  const std::string_view rest = json.substr(i);
  const std::string_view word = rest.starts_with(kInfinity) ? kInfinity : kNan;
  if (!rest.starts_with(word)) return "";
  const char before = i == 0 ? ' ' : json[i - 1];
  const bool begins = is_one_of(" \t\r\n:,[", before) || (before == '-' && word == kInfinity);
  const bool ends = rest.size() == word.size() || is_one_of(" \t\r\n,]}", rest[word.size()]);
  return begins && ends ? word : "";
}

std::string unused_zero(std::string_view json, std::string zero) {
  while (json.find(zero) != std::string_view::npos) zero += '0';
  return zero;
}

}  // namespace

NonNumbers respell_non_numbers(std::string& json) {
  if (json.find(kNan) == std::string::npos && json.find(kInfinity) == std::string::npos) return {};
  const NonNumbers spellings = {unused_zero(json, "0e-71"), unused_zero(json, "0e-72")};
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < json.size();) {
    const std::string_view word = in_string ? "" : word_at(json, i);
    if (!word.empty()) {
      out += word == kNan ? spellings.nan : spellings.infinity;
      i += word.size();
      continue;
    }
    if (json[i] == '"') in_string = !in_string;
    out += json[i];
    if (in_string && json[i] == '\\' && i + 1 < json.size()) out += json[++i];
    ++i;
  }
  json = std::move(out);
  return spellings;
}

}  // namespace qk
