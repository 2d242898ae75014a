#include "yaml/overrides.h"

#include "base/error.h"

namespace qk {
namespace {

// The entry's value, made if it is absent.
YamlValue& entry_of(YamlValue& mapping, std::string_view key, const std::string& place) {
  if (YamlValue* value = mapping.find(key)) return *value;
  mapping.entries.push_back({std::string(key), place, {}});
  return mapping.entries.back().value;
}

}  // namespace

void apply_override(YamlValue& tree, const std::string& text) {
  const std::string place = std::string(kOverrideOption) + printable(text);
  const size_t equals = text.find('=');
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
