// Values deep inside a JSON object.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>

namespace qk {

// The value at a path of keys; null if one of them is missing, or its parent is no object.
inline nlohmann::json value_at(const nlohmann::json& object,
                               std::initializer_list<const char*> keys) {
  const nlohmann::json* here = &object;
  for (const char* key : keys) {
    if (!here->is_object() || !here->contains(key)) return nullptr;
    here = &(*here)[key];
  }
  return *here;
}

}  // namespace qk
