// What two analyses were made with, by their records, and whether their numbers can be compared.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// What a difference in a setting means.
enum class SettingGroup : uint8_t {
  kHeads,    // the heads are others: nothing to compare
  kBuckets,  // plasticity is the mean of other cells
  kModel,    // from here on: what one may want to compare
  kDocuments,
  kCapture,  // which tokens were captured
  kVector,
  kMethod,
  kOptions,
  kNote,  // decides no number by itself
};
std::string_view name_of(SettingGroup group);

struct Setting {
  SettingGroup group = SettingGroup::kNote;
  std::string name;
  std::optional<std::string> value;  // none: not recorded
};
using Settings = std::vector<Setting>;

// By the record of an analysis (docs/analysis.md) and the method whose plasticity is compared.
Settings settings_of(const nlohmann::json& record, const std::string& method);

struct SettingDifference {
  Setting a, b;  // of a JSON object, the values name only the fields that differ
};

struct SettingsComparison {
  std::vector<SettingDifference> different;
  std::vector<std::string> unknown;  // names of settings that one side does not record

  bool differ_in(SettingGroup group) const;
  // The groups from kModel to kOptions that differ.
  std::vector<SettingGroup> subjects() const;
};
SettingsComparison compare_settings(const Settings& a, const Settings& b);

// The value of a setting; none if it is not recorded.
std::optional<std::string> value_of(const Settings& settings, std::string_view name);

}  // namespace qk
