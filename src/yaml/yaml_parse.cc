// From yaml-cpp's nodes to YamlValue: the only file of this folder that sees yaml-cpp.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "yaml/token_check.h"
#include "yaml/yaml_reader.h"

namespace qk {
namespace {

constexpr int kDeepest = 32;
constexpr int kMostValues = 100'000;

class Converter {
 public:
  Converter(std::string name, bool lines) : name_(std::move(name)), lines_(lines) {}

  YamlValue convert(const YAML::Node& node, int depth) {
    const std::string where = place(node);
    if (depth > kDeepest) fail("{}: values are nested deeper than {}", where, kDeepest);
    if (++num_values_ > kMostValues) fail("{}: more than {} values", where, kMostValues);
    YamlValue value;
    if (node.IsMap()) {
      value = mapping(node, depth);
    } else if (node.IsSequence()) {
      value.kind = YamlValue::Kind::kList;
      for (const YAML::Node& item : node) value.items.push_back(convert(item, depth + 1));
    } else if (node.IsScalar()) {
      value = scalar(node);
    }
    value.place = where;
    return value;
  }

 private:
  std::string place(const YAML::Node& node) const {
    return lines_ ? fmt::format("{}:{}", name_, node.Mark().line + 1) : name_;
  }

  // A scalar with a tag of its own type is read as without it.
  YamlValue scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    constexpr std::array<std::string_view, 6> kScalars = {"str",  "int",  "float",
                                                          "bool", "null", "timestamp"};
    const std::string_view core =
        tag.starts_with(kCore) ? std::string_view(tag).substr(kCore.size()) : "";
    if (!core.empty() && std::find(kScalars.begin(), kScalars.end(), core) == kScalars.end()) {
      fail("{}: unknown tag !!{}", place(node), printable(std::string(core)));
    }
    if (tag.starts_with('!') && tag != "!") fail("{}: unknown tag {}", place(node), printable(tag));
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      YamlValue value;
      value.kind = YamlValue::Kind::kText;
      value.text = node.Scalar();
      value.quoted = true;
      return value;
    }
    return resolve_scalar(node.Scalar());
  }

  YamlValue mapping(const YAML::Node& node, int depth) {
    YamlValue value;
    value.kind = YamlValue::Kind::kMapping;
    std::vector<YamlValue> merged;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) fail("{}: a key must be text", place(pair.first));
      const std::string& key = pair.first.Scalar();
      YamlValue converted = convert(pair.second, depth + 1);
      if (key == "<<" && pair.first.Tag() != "!") {
        merged.push_back(std::move(converted));
        continue;
      }
      const std::string where = place(pair.first);
      converted.place = where;  // yaml-cpp puts a null on the line after
      for (const YamlValue::Entry& earlier : value.entries) {
        if (earlier.key != key) continue;
        fail("{}: key \"{}\" occurs twice, first at {}", where, printable(key), earlier.place);
      }
      value.entries.push_back({key, where, std::move(converted)});
    }
    for (const YamlValue& from : merged) merge(value, from);
    return value;
  }

  // "<<": keys that the mapping does not have itself are taken over.
  static void merge(YamlValue& into, const YamlValue& from) {
    if (from.kind == YamlValue::Kind::kList) {
      for (const YamlValue& item : from.items) merge(into, item);
      return;
    }
    if (from.kind != YamlValue::Kind::kMapping) {
      fail("{}: <<: expected a mapping or a list of mappings, found {}", from.place,
           from.describe());
    }
    for (const YamlValue::Entry& entry : from.entries) {
      if (into.find(entry.key) == nullptr) into.entries.push_back(entry);
    }
  }

  std::string name_;
  bool lines_;
  int num_values_ = 0;
};

nlohmann::ordered_json to_json(const YamlValue& value) {
  using Kind = YamlValue::Kind;
  nlohmann::ordered_json out;
  switch (value.kind) {
    case Kind::kNull:
      break;
    case Kind::kBoolean:
      out = value.boolean;
      break;
    case Kind::kInteger:
      out = value.integer;
      break;
    case Kind::kNumber:
      if (!std::isfinite(value.number)) fail("{}: {} is not finite", value.place, value.text);
      out = value.number;
      break;
    case Kind::kText:
    case Kind::kDate:
      out = value.text;
      break;
    case Kind::kList:
      out = nlohmann::ordered_json::array();
      for (const YamlValue& item : value.items) out.push_back(to_json(item));
      break;
    case Kind::kMapping:
      out = nlohmann::ordered_json::object();
      for (const YamlValue::Entry& entry : value.entries) out[entry.key] = to_json(entry.value);
      break;
  }
  return out;
}

}  // namespace

namespace {

// Whether a tab is among the white space at the start of the line; lines count from 0.
bool is_indented_by_tab(const std::string& text, int line) {
  size_t at = 0;
  for (; line > 0 && at != std::string::npos; --line) at = text.find('\n', at + 1);
  if (at == std::string::npos) return false;
  const size_t tab = text.find('\t', at);
  return tab != std::string::npos && text.find_first_not_of(" \t\n", at) > tab;
}

}  // namespace

YamlValue parse_yaml(const std::string& text, const std::string& name, bool lines) {
  if (lines) {
    refuse_token_lines(text, name);
  } else {
    refuse_token_text(text, name);
  }
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(text);
  } catch (const YAML::Exception& error) {
    const std::string where = lines ? fmt::format("{}:{}", name, error.mark.line + 1) : name;
    fail("{}: is not YAML: {}{}", where, printable(error.msg),
         is_indented_by_tab(text, error.mark.line) ? " (the line is indented by a tab)" : "");
  }
  if (documents.size() > 1) fail("{}: holds {} documents, expected one", name, documents.size());
  try {
    YamlValue value =
        Converter(name, lines).convert(documents.empty() ? YAML::Node() : documents[0], 0);
    refuse_token_values(value);
    return value;
  } catch (const YAML::Exception& error) {
    fail("{}: is not YAML: {}", name, printable(error.msg));
  }
}

std::string yaml_to_json(const YamlValue& value) {
  return to_json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace qk
