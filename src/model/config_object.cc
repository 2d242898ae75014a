#include "model/config_object.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace qk {

std::string shown(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    return std::isnan(value.get<double>()) ? "NaN"
                                           : (value.get<double>() < 0 ? "-Infinity" : "Infinity");
  }
  return printable(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), 60);
}

std::optional<int64_t> exact_integer(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto n = value.get<uint64_t>();
    if (n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(n);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!(std::abs(number) <= kExact) || number != std::floor(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

nlohmann::json::const_iterator ConfigObject::find(std::string_view key) const {
  if (reads_ != nullptr) reads_->insert(name(key));
  return object_.find(key);
}

bool ConfigObject::present(std::string_view key) const { return find(key) != object_.end(); }

bool ConfigObject::given(std::string_view key) const {
  const auto it = find(key);
  return it != object_.end() && !it->is_null();
}

void ConfigObject::refuse(std::string_view key, std::string_view expected) const {
  const auto it = object_.find(key);
  const std::string found = it == object_.end() ? "nothing" : shown(*it);
  fail("{}: {}: expected {}, found {}", file_, printable(name(key)), expected, found);
}

const nlohmann::json& ConfigObject::value(std::string_view key, std::string_view expected) const {
  const auto it = find(key);
  if (it == object_.end() || it->is_null()) refuse(key, expected);
  return *it;
}

int64_t ConfigObject::integer(std::string_view key, int64_t min, int64_t max) const {
  const std::string expected = fmt::format("an integer from {} to {}", min, max);
  if (value(key, expected).is_number_float()) refuse(key, expected);
  return whole(key, min, max);
}

int64_t ConfigObject::whole(std::string_view key, int64_t min, int64_t max) const {
  const std::string expected = fmt::format("an integer from {} to {}", min, max);
  const auto n = exact_integer(value(key, expected));
  if (!n || *n < min || *n > max) refuse(key, expected);
  return *n;
}

double ConfigObject::number(std::string_view key) const {
  const nlohmann::json& found = value(key, "a number");
  if (!found.is_number() || !std::isfinite(found.get<double>())) refuse(key, "a finite number");
  return found.get<double>();
}

double ConfigObject::positive(std::string_view key) const {
  const nlohmann::json& found = value(key, "a number above 0");
  if (!found.is_number() || !std::isfinite(found.get<double>()) || found.get<double>() <= 0) {
    refuse(key, "a number above 0");
  }
  return found.get<double>();
}

bool ConfigObject::truth(std::string_view key) const {
  if (present(key) && !given(key)) return false;
  const nlohmann::json& found = value(key, "true or false");
  if (found.is_number()) return found.get<double>() != 0;
  if (!found.is_boolean()) refuse(key, "true or false");
  return found.get<bool>();
}

std::string ConfigObject::string(std::string_view key) const {
  const nlohmann::json& found = value(key, "a string");
  if (!found.is_string()) refuse(key, "a string");
  return found.get<std::string>();
}

const nlohmann::json& ConfigObject::array(std::string_view key, int64_t max_count,
                                          std::string_view expected) const {
  const nlohmann::json& found = value(key, expected);
  if (!found.is_array() || found.size() > static_cast<size_t>(max_count)) refuse(key, expected);
  return found;
}

std::vector<double> ConfigObject::positives(std::string_view key, int64_t count) const {
  const std::string expected = fmt::format("a list of {} numbers above 0", count);
  const nlohmann::json& list = array(key, count, expected);
  if (list.size() != static_cast<size_t>(count)) refuse(key, expected);
  std::vector<double> out;
  for (const nlohmann::json& item : list) {
    if (!item.is_number() || !std::isfinite(item.get<double>()) || item.get<double>() <= 0) {
      fail("{}: {}[{}]: expected a number above 0, found {}", file_, name(key), out.size(),
           shown(item));
    }
    out.push_back(item.get<double>());
  }
  return out;
}

std::vector<int64_t> ConfigObject::integers(std::string_view key, int64_t max_count) const {
  const std::string expected = fmt::format("a list of at most {} integers", max_count);
  std::vector<int64_t> out;
  for (const nlohmann::json& item : array(key, max_count, expected)) {
    const auto n = exact_integer(item);
    if (!n) {
      fail("{}: {}[{}]: expected an integer, found {}", file_, name(key), out.size(), shown(item));
    }
    out.push_back(*n);
  }
  return out;
}

std::vector<std::string> ConfigObject::strings(std::string_view key, int64_t max_count) const {
  const std::string expected = fmt::format("a list of at most {} strings", max_count);
  std::vector<std::string> out;
  for (const nlohmann::json& item : array(key, max_count, expected)) {
    if (!item.is_string()) {
      fail("{}: {}[{}]: expected a string, found {}", file_, name(key), out.size(), shown(item));
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

ConfigObject ConfigObject::object(std::string_view key) const {
  const nlohmann::json& found = value(key, "an object");
  if (!found.is_object()) refuse(key, "an object");
  return {found, file_, name(key) + ".", reads_};
}

}  // namespace qk
