// Typed reads of a configuration object. Each failure is one sentence that names the file, the key,
// what was expected and what was found. A key that is present with null is "not given" here; where
// absent and null differ, config_normalise.cc has already distinguished them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

class ConfigObject {
 public:
  // REQUIRES: object is a JSON object that outlives this. path: "" or "rope_parameters."
  // reads: receives the names of all keys that are read, "rope_parameters.factor"; null: not wanted
  ConfigObject(const nlohmann::json& object, std::string file, std::string path = "",
               std::set<std::string>* reads = nullptr)
      : object_(object), file_(std::move(file)), path_(std::move(path)), reads_(reads) {}

  const nlohmann::json& json() const { return object_; }
  const std::string& file() const { return file_; }
  bool present(std::string_view key) const;  // null counts
  bool given(std::string_view key) const;    // present and not null

  // Throw Error if the key is not given, has another type, or is out of range. Booleans and strings
  // are not numbers.
  int64_t integer(std::string_view key, int64_t min, int64_t max) const;
  int64_t whole(std::string_view key, int64_t min, int64_t max) const;  // 4096.0 is one, too
  double number(std::string_view key) const;                            // finite
  double positive(std::string_view key) const;                          // finite, > 0
  // As Python's `if`: null and 0 are false, other numbers are true.
  bool truth(std::string_view key) const;
  std::string string(std::string_view key) const;
  std::vector<double> positives(std::string_view key, int64_t count) const;
  std::vector<int64_t> integers(std::string_view key, int64_t max_count) const;
  std::vector<std::string> strings(std::string_view key, int64_t max_count) const;
  ConfigObject object(std::string_view key) const;

  // "file: key: expected X, found Y" as an Error.
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;
  std::string name(std::string_view key) const { return path_ + std::string(key); }

 private:
  nlohmann::json::const_iterator find(std::string_view key) const;
  const nlohmann::json& value(std::string_view key, std::string_view expected) const;
  const nlohmann::json& array(std::string_view key, int64_t max_count,
                              std::string_view expected) const;

  const nlohmann::json& object_;
  std::string file_;
  std::string path_;
  std::set<std::string>* reads_;
};

// A JSON value for a message: shortened, without control characters.
std::string shown(const nlohmann::json& value);

// The integer that a JSON number is, or nothing.
std::optional<int64_t> exact_integer(const nlohmann::json& value);

}  // namespace qk
