// What transformers makes of changed configurations, stored by tools/sweep_config_keys.py: what moves
// its vectors must change our configuration or be refused, and what it refuses must not be taken for
// the unchanged configuration.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "arch/registry.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"
#include "formats/json.h"
#include "model/model.h"

namespace qk {
namespace config_changes_test {

using nlohmann::json;

// dump() writes null for numbers that are not finite.
std::string python_text(const json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) return "NaN";
  if (!value.is_structured()) return value.dump();
  std::string out;
  for (const auto& [key, inner] : value.items()) {
    out += out.empty() ? "" : ",";
    out += (value.is_object() ? json(key).dump() + ":" : "") + python_text(inner);
  }
  return value.is_object() ? "{" + out + "}" : "[" + out + "]";
}

std::optional<ModelConfig> read(const json& config) {
  const TestFolder folder;
  write_file(folder.path() / "config.json", python_text(config));
  try {
    return read_model_config(folder.path(), "", registry());
  } catch (const Error&) {
    return std::nullopt;
  }
}

json changed(json config, const json& change) {
  const json& path = change.at(0);
  json* object = &config;
  for (size_t i = 0; i + 1 < path.size(); ++i) object = &object->at(path[i].get<std::string>());
  const std::string key = path.back();
  if (change.size() > 2) {
    (*object)[key] = change[2];
  } else {
    object->erase(key);
  }
  return config;
}

TEST(ConfigChangesTest, NoChangeThatMattersIsIgnored) {
  const std::filesystem::path path =
      std::filesystem::path(QK_TEST_DATA) / "models/config_changes.json";
  const json file = parse_python_json(read_file(path), path.string());
  EXPECT_GE(file.size(), 20U);
  int count = 0;
  for (const auto& [name, entry] : file.items()) {
    const auto base = read(entry.at("config"));
    ASSERT_TRUE(base.has_value()) << name;
    for (const json& change : entry.at("changes")) {
      const auto ours = read(changed(entry.at("config"), change));
      EXPECT_TRUE(!ours || *ours != *base) << name << " " << change;
      ++count;
    }
  }
  EXPECT_GE(count, 1000);
}

}  // namespace config_changes_test
}  // namespace qk
