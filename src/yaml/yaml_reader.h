// YAML as PyYAML's safe loader understands it (YAML 1.1 scalars, merge keys; the differences are in
// docs/config.md, "Differences from PyYAML"), kept with the place of every value, and typed reading
// of one mapping.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qk {

struct YamlValue {
  enum class Kind : uint8_t { kNull, kBoolean, kInteger, kNumber, kText, kDate, kList, kMapping };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string place;             // "run.yaml:12" or "--set model.name=x", for messages
  std::string text;              // of a scalar: as it is written
  bool quoted = false;           // of a text
  bool boolean = false;          // kBoolean
  int64_t integer = 0;           // kInteger
  double number = 0;             // kInteger and kNumber
  std::vector<YamlValue> items;  // kList
  std::vector<Entry> entries;    // kMapping, in the order of the file, keys unique

  // The value of a key, or null.
  const YamlValue* find(std::string_view key) const;
  YamlValue* find(std::string_view key);
  // What it is, for messages: `text "abc"`, `integer 7`, `a list`.
  std::string describe() const;
};

struct YamlValue::Entry {
  std::string key;
  std::string place;
  YamlValue value;
};

// What a plain scalar means: null, boolean, integer, number, date or text.
YamlValue resolve_scalar(std::string_view text);

// Parses one document. `name` is the file as messages show it; with lines == false places are the
// bare name. Throws Error: syntax, several documents, a key that occurs twice (both lines are
// named), a key that is not text, nesting deeper than 32, more than 100,000 values, a token
// (yaml/token_check.h), which is not shown.
YamlValue parse_yaml(const std::string& text, const std::string& name, bool lines = true);

// The value as JSON text. Throws Error: infinities, NaN.
std::string yaml_to_json(const YamlValue& value);

// Reads the keys of one mapping with their types. Every key that is asked for counts as known;
// what is left over is unknown. Getters return nothing if the key is absent, and throw Error
// "place: section.key: expected ..., found ..." if the value has another type or is out of range.
// Null is another type, except where the getter's name or comment allows it.
class MappingReader {
 public:
  // `section` is the dotted name of the mapping, empty at the top level. `place` is where an absent
  // key is missing; the mapping's place if it is not given.
  MappingReader(const YamlValue& mapping, std::string section,
                const std::optional<std::string>& place = std::nullopt);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::string> text_or_null(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  // Bounds are inclusive.
  std::optional<int64_t> integer(std::string_view key, int64_t lowest, int64_t highest);
  std::optional<int64_t> integer_or_null(std::string_view key, int64_t lowest, int64_t highest);
  std::optional<double> number(std::string_view key);
  // A list, or null.
  std::optional<std::vector<int64_t>> integers(std::string_view key);
  // A mapping; nullptr if the key is absent or null.
  const YamlValue* mapping(std::string_view key);
  // Any value; nullptr if the key is absent.
  const YamlValue* any(std::string_view key);
  // A text that must be there and must not be empty.
  std::string required_text(std::string_view key);

  // The index of the key's word in a closed list. Throws Error with the list, and the word that may
  // have been meant, if it is not there.
  size_t choice(std::string_view key, const std::string& word,
                std::span<const std::string_view> words) const;

  // "place: section.key: sentence"; without the name if the place is an option that has it.
  std::string sentence(std::string_view key, std::string_view sentence) const;
  // The place of the key's value, or of the mapping if it is absent.
  const std::string& place(std::string_view key) const;
  // Throws Error "place: section.key: expected ..., found ...".
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;
  // Throws Error with sentence(key, sentence).
  [[noreturn]] void refuse_with(std::string_view key, std::string_view sentence) const;
  std::string full_name(std::string_view key) const;

  // One sentence for each key that nobody asked for, the nearest known key named.
  std::vector<std::string> unknown_keys() const;
  // Throws Error with the first of them.
  void reject_unknown_keys() const;

 private:
  // The value, or nullptr if the key is absent or null.
  const YamlValue* not_null(std::string_view key);

  const YamlValue& mapping_;
  std::string section_;
  std::string place_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace qk
