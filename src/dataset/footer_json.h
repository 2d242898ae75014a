// Values of a Parquet footer that are JSON.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace qk {

// The object under a key of the footer; empty if there is none, or it is something else.
inline nlohmann::json footer_object(const std::map<std::string, std::string>& footer,
                                    std::string_view key) {
  const auto it = footer.find(std::string(key));
  if (it == footer.end()) return nlohmann::json::object();
  nlohmann::json out = nlohmann::json::parse(it->second, nullptr, false);
  return out.is_object() ? out : nlohmann::json::object();
}

// The whole number of at least 1 under a key of the object, if there is one.
inline std::optional<int64_t> count_at(const nlohmann::json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return {};
  const auto count = it->get<int64_t>();
  if (count < 1) return {};
  return count;
}

}  // namespace qk
