#include "yaml/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"

namespace qk {
namespace {

using Kind = YamlValue::Kind;

std::string range_text(int64_t lowest, int64_t highest) {
  constexpr int64_t kUnbounded = int64_t{1} << 30;
  if (lowest <= -kUnbounded) return "an integer";
  if (highest > kUnbounded) return fmt::format("an integer of at least {}", lowest);
  return fmt::format("an integer from {} to {}", lowest, highest);
}

// Whether the place is "--set name=...", "--name" or "--name value".
bool is_option_of(std::string_view place, const std::string& name) {
  if (place.starts_with("--set " + name + "=")) return true;
  if (!place.starts_with("--" + name)) return false;
  const std::string_view rest = place.substr(name.size() + 2);
  return rest.empty() || rest[0] == ' ';
}

}  // namespace

const YamlValue* YamlValue::find(std::string_view key) const {
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [&](const Entry& entry) { return entry.key == key; });
  return it == entries.end() ? nullptr : &it->value;
}

YamlValue* YamlValue::find(std::string_view key) {
  return const_cast<YamlValue*>(std::as_const(*this).find(key));
}

std::string YamlValue::describe() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "boolean " + text;
    case Kind::kInteger:
      return "integer " + text;
    case Kind::kNumber:
      return "number " + text;
    case Kind::kDate:
      return "date " + text;
    case Kind::kText:
      return fmt::format("text \"{}\"", printable(text));
    case Kind::kList:
      return "a list";
    case Kind::kMapping:
      return "a mapping";
  }
  return "";
}

MappingReader::MappingReader(const YamlValue& mapping, std::string section,
                             const std::optional<std::string>& place)
    : mapping_(mapping), section_(std::move(section)), place_(place.value_or(mapping.place)) {
  QK_CHECK(mapping.kind == Kind::kMapping);
}

std::string MappingReader::full_name(std::string_view key) const {
  return section_.empty() ? std::string(key) : fmt::format("{}.{}", section_, key);
}

const std::string& MappingReader::place(std::string_view key) const {
  const YamlValue* value = mapping_.find(key);
  return value != nullptr ? value->place : place_;
}

std::string MappingReader::sentence(std::string_view key, std::string_view sentence) const {
  const std::string name = full_name(key);
  const std::string& where = place(key);
  if (is_option_of(where, name)) return fmt::format("{}: {}", where, sentence);
  return fmt::format("{}: {}: {}", where, name, sentence);
}

void MappingReader::refuse_with(std::string_view key, std::string_view sentence) const {
  throw Error(this->sentence(key, sentence));
}

void MappingReader::refuse(std::string_view key, std::string_view expected) const {
  const YamlValue* value = mapping_.find(key);
  refuse_with(key, fmt::format("expected {}, found {}", expected,
                               value != nullptr ? value->describe() : "nothing"));
}

size_t MappingReader::choice(std::string_view key, const std::string& word,
                             std::span<const std::string_view> words) const {
  const auto it = std::find(words.begin(), words.end(), word);
  if (it != words.end()) return static_cast<size_t>(it - words.begin());
  refuse_with(key, fmt::format("expected {}, found {}{}", one_of(words), printable(word),
                               did_you_mean(word, words)));
}

const YamlValue* MappingReader::any(std::string_view key) {
  known_.emplace(key);
  return mapping_.find(key);
}

const YamlValue* MappingReader::not_null(std::string_view key) {
  const YamlValue* value = any(key);
  return value == nullptr || value->kind == Kind::kNull ? nullptr : value;
}

std::optional<std::string> MappingReader::text(std::string_view key) {
  const YamlValue* value = any(key);
  if (value == nullptr) return {};
  if (value->kind == Kind::kText) return value->text;
  const bool quotable = value->kind == Kind::kBoolean || value->kind == Kind::kInteger ||
                        value->kind == Kind::kNumber || value->kind == Kind::kDate;
  refuse(key, quotable ? "text (put it in quotes)" : "text");
}

std::optional<std::string> MappingReader::text_or_null(std::string_view key) {
  return not_null(key) == nullptr ? std::nullopt : text(key);
}

std::string MappingReader::required_text(std::string_view key) {
  const auto value = text(key);
  if (!value) refuse_with(key, "is required");
  if (value->empty()) refuse_with(key, "must not be empty");
  return *value;
}

std::optional<bool> MappingReader::boolean(std::string_view key) {
  const YamlValue* value = any(key);
  if (value == nullptr) return {};
  if (value->kind != Kind::kBoolean) refuse(key, "true or false");
  return value->boolean;
}

std::optional<int64_t> MappingReader::integer(std::string_view key, int64_t lowest,
                                              int64_t highest) {
  const YamlValue* value = any(key);
  if (value == nullptr) return {};
  if (value->kind != Kind::kInteger || value->integer < lowest) {
    refuse(key, range_text(lowest, highest));
  }
  if (value->integer > highest) refuse(key, fmt::format("an integer of at most {}", highest));
  return value->integer;
}

std::optional<int64_t> MappingReader::integer_or_null(std::string_view key, int64_t lowest,
                                                      int64_t highest) {
  return not_null(key) == nullptr ? std::nullopt : integer(key, lowest, highest);
}

std::optional<double> MappingReader::number(std::string_view key) {
  const YamlValue* value = any(key);
  if (value == nullptr) return {};
  if (value->kind != Kind::kInteger && value->kind != Kind::kNumber) refuse(key, "a number");
  return value->number;
}

std::optional<std::vector<int64_t>> MappingReader::integers(std::string_view key) {
  const YamlValue* value = not_null(key);
  if (value == nullptr) return {};
  if (value->kind != Kind::kList) refuse(key, "a list of integers, such as [0, 2], or null");
  std::vector<int64_t> out;
  for (const YamlValue& item : value->items) {
    if (item.kind != Kind::kInteger) {
      fail("{}: {}: expected a list of integers, found {} in it", item.place, full_name(key),
           item.describe());
    }
    out.push_back(item.integer);
  }
  return out;
}

const YamlValue* MappingReader::mapping(std::string_view key) {
  const YamlValue* value = not_null(key);
  if (value != nullptr && value->kind != Kind::kMapping) refuse(key, "a mapping");
  return value;
}

std::vector<std::string> MappingReader::unknown_keys() const {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  std::vector<std::string> out;
  for (const YamlValue::Entry& entry : mapping_.entries) {
    if (known_.contains(entry.key)) continue;
    std::string sentence =
        is_option_of(entry.place, full_name(entry.key))
            ? fmt::format("{}: unknown key", entry.place)
            : fmt::format("{}: {}: unknown key", entry.place, full_name(printable(entry.key)));
    if (const auto near = nearest(entry.key, known)) {
      sentence += fmt::format("; did you mean {}?", full_name(*near));
    } else {
      sentence += fmt::format(" (known: {})", fmt::join(known, ", "));
    }
    out.push_back(std::move(sentence));
  }
  return out;
}

void MappingReader::reject_unknown_keys() const {
  const std::vector<std::string> unknown = unknown_keys();
  if (!unknown.empty()) throw Error(unknown.front());
}

}  // namespace qk
