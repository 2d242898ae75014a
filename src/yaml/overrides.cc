#include "yaml/overrides.h"

#include <algorithm>

#include "base/error.h"
#include "yaml/token_check.h"

namespace qk {
namespace {

// The entry's value, made if it is absent.
YamlValue& entry_of(YamlValue& mapping, std::string_view key, const std::string& place) {
  if (YamlValue* value = mapping.find(key)) return *value;
  mapping.entries.push_back({std::string(key), place, {}});
  return mapping.entries.back().value;
}

// The text for messages, without its value if that may be a mapping with a token in it.
std::string shown_override(const std::string& text) {
  const size_t equals = text.find('=');
  const bool is_hidden =
      equals != std::string::npos && names_token_key(std::string_view(text).substr(equals));
  return printable(is_hidden ? text.substr(0, equals) + "=..." : text);
}

// Throws Error without the text, which messages show otherwise.
void refuse_token(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  refuse_token_text(key, "--set");
  const std::string place = std::string(kOverrideOption) + printable(key);
  if (equals == std::string::npos) return;
  refuse_token_text(std::string_view(text).substr(equals), place);
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('.', begin), key.size());
    const std::string part = key.substr(begin, end - begin);
    begin = end + 1;
    if (!is_token_key(part)) continue;
    YamlValue entry;
    entry.kind = YamlValue::Kind::kMapping;
    entry.entries.push_back({part, place, parse_yaml(text.substr(equals + 1), place, false)});
    refuse_token_values(entry);
  }
}

}  // namespace

void apply_override(YamlValue& tree, const std::string& text) {
  refuse_token(text);
  const size_t equals = text.find('=');
  const std::string place = std::string(kOverrideOption) + shown_override(text);
  if (equals == std::string::npos)
    fail("{}: expected key=value, or section.key=value inside a section", place);
  std::string_view path = std::string_view(text).substr(0, equals);
  YamlValue* mapping = &tree;
  while (true) {
    const size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    if (key.empty()) fail("{}: expected key=value, or section.key=value inside a section", place);
    if (mapping->kind == YamlValue::Kind::kNull) {
      mapping->kind = YamlValue::Kind::kMapping;
      mapping->place = place;
    }
    if (mapping->kind != YamlValue::Kind::kMapping) {
      fail("{}: {} is not a key of {} at {}", place, printable(path), mapping->describe(),
           mapping->place);
    }
    mapping = &entry_of(*mapping, key, place);
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *mapping = parse_yaml(text.substr(equals + 1), place, false);
}

}  // namespace qk
