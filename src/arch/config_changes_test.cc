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

// transformers: a null fraction in the rope object is the class's own (a half), but with longrope an
// error.
TEST(ConfigChangesTest, ANullFractionIsThatOfTheClass) {
  json config = {
      {"model_type", "glm4"},        {"vocab_size", 8},         {"hidden_size", 32},
      {"intermediate_size", 8},      {"num_hidden_layers", 1},  {"num_attention_heads", 4},
      {"num_key_value_heads", 2},    {"head_dim", 8},           {"rms_norm_eps", 1e-5},
      {"hidden_act", "silu"},        {"attention_bias", false}, {"max_position_embeddings", 64},
      {"tie_word_embeddings", false}};
  config["rope_parameters"] = {{"rope_type", "yarn"},
                               {"factor", 2.0},
                               {"rope_theta", 1e4},
                               {"original_max_position_embeddings", 32},
                               {"partial_rotary_factor", nullptr}};
  const auto found = read(config);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->rope.at(0).rotary_dim, 4);
  json& rope = config["rope_parameters"];
  rope["rope_type"] = "longrope";
  rope["short_factor"] = rope["long_factor"] = {1.0, 1.0};
  EXPECT_FALSE(read(config).has_value());
  rope["partial_rotary_factor"] = 0.5;
  EXPECT_TRUE(read(config).has_value());
}

}  // namespace config_changes_test
}  // namespace qk
