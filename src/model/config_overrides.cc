// model.config_overrides: what the user changes in a normalised configuration.
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "model/config_normalise.h"

namespace qk {
namespace {

using nlohmann::json;
using KeyPath = std::vector<std::string>;

// The keys of rope_parameters, those of other types of RoPE included.
constexpr std::array<std::string_view, 12> kRopeKeys = {
    "rope_type",        "rope_theta",  "factor",    "original_max_position_embeddings",
    "attention_factor", "beta_fast",   "beta_slow", "low_freq_factor",
    "high_freq_factor", "long_factor", "mscale",    "mscale_all_dim"};

std::string dotted(const KeyPath& path) { return fmt::format("{}", fmt::join(path, ".")); }

// Keys whose override would change nothing, though the user means it to.
void refuse_idle_override(const std::string& key, const json& value) {
  if (key == "rope_theta" || key == "rope_local_base_freq" || key == "partial_rotary_factor") {
    fail(
        "model.config_overrides: {}: expected the key inside rope_parameters, found it at the top, "
        "where it has no effect",
        key);
  }
  if (key == "text_config") {
    fail("model.config_overrides: text_config: expected a key of the top-level configuration");
  }
  if (key == "model_type") {
    fail(
        "model.config_overrides: model_type: expected another key, found the one that cannot be "
        "changed");
  }
  const bool rope = key == "rope_scaling" || key == "rope_parameters";
  if (rope && value.is_object() && value.contains("type") && !value.contains("rope_type")) {
    fail(
        "model.config_overrides: {}: expected the key rope_type, found only its old name type, "
        "which has no effect here",
        key);
  }
}

json parse_overrides(const std::string& overrides) {
  json changes = json::parse(overrides, nullptr, /*allow_exceptions=*/false);
  if (!changes.is_object()) {
    fail("model.config_overrides: expected a mapping, found {}",
         changes.is_discarded() ? printable(overrides, 60) : shown(changes));
  }
  for (const auto& [name, value] : changes.items()) refuse_idle_override(name, value);
  if (const auto scaling = changes.find("rope_scaling"); scaling != changes.end()) {
    if (changes.contains("rope_parameters")) {
      fail(
          "model.config_overrides: rope_scaling: expected only one of rope_parameters and its old "
          "name rope_scaling, found both");
    }
    changes["rope_parameters"] = *scaling;
    changes.erase("rope_scaling");
  }
  return changes;
}

// An object is merged into an existing object, one level deep; anything else replaces.
json merged(json config, const json& changes) {
  for (const auto& [key, value] : changes.items()) {
    json& existing = config[key];
    if (existing.is_object() && value.is_object()) {
      existing.update(value);
    } else {
      existing = value;
    }
  }
  return config;
}

// The paths of all values that are not objects with keys.
void collect_leaves(const json& value, const KeyPath& path, std::vector<KeyPath>& out) {
  if (!value.is_object() || value.empty()) {
    if (!path.empty()) out.push_back(path);
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    KeyPath longer = path;
    longer.push_back(key);
    collect_leaves(inner, longer, out);
  }
}

const json* value_at(const json& config, const KeyPath& path) {
  const json* value = &config;
  for (const std::string& key : path) {
    const auto it = value->is_object() ? value->find(key) : value->end();
    if (it == value->end()) return nullptr;
    value = &*it;
  }
  return value;
}

json without(json changes, const KeyPath& path) {
  json* object = &changes;
  for (size_t i = 0; i + 1 < path.size(); ++i) object = &(*object)[path[i]];
  object->erase(path.back());
  return changes;
}

// Other values of the same kind, to find out whether a key has an effect.
std::vector<json> other_values(const json& value) {
  if (value.is_boolean()) return {!value.get<bool>()};
  if (value.is_number_integer()) return {2 * std::abs(value.get<int64_t>()) + 1};
  if (value.is_number()) return {2 * std::abs(value.get<double>()) + 0.5, 0.5};
  return {};
}

json with(json changes, const KeyPath& path, const json& value) {
  json* object = &changes;
  for (const std::string& key : path) object = &(*object)[key];
  *object = value;
  return changes;
}

// Refuses every override that nothing reads and every one whose value cannot take effect.
class OverrideCheck {
 public:
  OverrideCheck(const json& config, const json& changes, const ModelConfig& result,
                const std::set<std::string>& reads, const Architecture& architecture)
      : config_(config),
        changes_(changes),
        result_(result),
        reads_(reads),
        architecture_(architecture) {}

  void run() const {
    std::vector<KeyPath> leaves;
    collect_leaves(changes_, {}, leaves);
    for (const KeyPath& leaf : leaves) check(leaf);
  }

 private:
  void check(const KeyPath& leaf) const {
    const std::string name = dotted(leaf);
    if (!reads_.contains(name)) {
      fail(
          "model.config_overrides: {}: expected a key that this model reads, found one that has no "
          "effect on it{}",
          printable(name), did_you_mean(leaf.back(), siblings(leaf)));
    }
    const json& value = *value_at(changes_, leaf);
    const json* before = value_at(config_, leaf);
    if ((before != nullptr && *before == value) || differs(without(changes_, leaf))) return;
    // A value that equals the default changes nothing, but its key has an effect.
    for (const json& other : other_values(value)) {
      if (differs(with(changes_, leaf, other))) return;
    }
    fail(
        "model.config_overrides: {}: expected a value that changes the model, found {}, which has "
        "no effect: {}",
        printable(name), shown(value), reason(name));
  }

  // Keys beside the leaf that some model reads.
  std::vector<std::string_view> siblings(const KeyPath& leaf) const {
    std::vector<std::string_view> out;
    if (leaf.size() > 1) out.assign(kRopeKeys.begin(), kRopeKeys.end());
    const std::string above = dotted({leaf.begin(), leaf.end() - 1}) + (leaf.size() > 1 ? "." : "");
    for (const std::string& key : reads_) {
      if (!key.starts_with(above)) continue;
      const std::string_view name = std::string_view(key).substr(above.size());
      if (name.find('.') == std::string_view::npos) out.push_back(name);
    }
    return out;
  }

  bool differs(const json& changes) const {
    try {
      return read_config({merged(config_, changes), ""}, architecture_) != result_;
    } catch (const Error&) {
      return true;
    }
  }

  static std::string_view reason(std::string_view name) {
    if (name == "sliding_window") return "no layer has a window";
    return "the model is the same without it";
  }

  const json& config_;
  const json& changes_;
  const ModelConfig& result_;
  const std::set<std::string>& reads_;
  const Architecture& architecture_;
};

}  // namespace

ModelConfig read_overridden_config(const ConfigObject& config, const std::string& overrides,
                                   const Architecture& architecture) {
  if (overrides.empty()) return read_config(config, architecture);
  const json changes = parse_overrides(overrides);
  const json changed = merged(config.json(), changes);
  std::set<std::string> reads;
  const ModelConfig out = read_config(
      {changed, config.file() + " with model.config_overrides", "", &reads}, architecture);
  OverrideCheck(config.json(), changes, out, reads, architecture).run();
  return out;
}

}  // namespace qk
