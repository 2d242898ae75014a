#include "compare/settings.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json_value.h"

namespace qk {
namespace {

using nlohmann::json;

// A text as it is, everything else as JSON; null is no value.
std::optional<std::string> text_of(const json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::optional<std::string> buckets_text(const json& buckets) {
  const auto type = text_of(value_at(buckets, {"type"}));
  const auto width = text_of(value_at(buckets, {"width"}));
  if (!type) return {};
  return *type + (width ? ", " + *width + " tokens" : "");
}

std::optional<std::string> documents_text(const json& record) {
  if (!record.contains("documents")) return {};  // of an earlier version
  const json& documents = record["documents"];
  return documents.is_null() ? "all" : documents.dump();
}

class SettingList {
 public:
  explicit SettingList(const json& record) : record_(record) {}
  void add(SettingGroup group, std::string name, std::optional<std::string> value) {
    settings_.push_back({group, std::move(name), std::move(value)});
  }
  // A field of the record. `null`: what null means there.
  void field(SettingGroup group, const char* name, std::optional<std::string> null = {}) {
    auto value = text_of(value_at(record_, {name}));
    if (!value && record_.contains(name)) value = std::move(null);
    add(group, name, std::move(value));
  }
  void of_dataset(SettingGroup group, const char* name, const char* key) {
    add(group, name, text_of(value_at(record_, {"dataset", key})));
  }
  Settings take() { return std::move(settings_); }

 private:
  const json& record_;
  Settings settings_;
};

void add_method(const std::string& method, SettingList& out) {
  constexpr std::array<const char*, 7> kOnlineFields = {
      "online_alpha", "online_half_life", "online_clock",     "online_start",
      "online_times", "online_reach",     "online_reach_unit"};
  const auto group = SettingGroup::kMethod;
  out.add(group, "method", method.empty() ? std::nullopt : std::optional(method));
  if (method == "linear") out.field(group, "covariance");
  if (method == "counted") out.field(group, "queries");
  if (method == "bucket" || method == "online") out.field(group, "min_queries");
  if (method != "online") return;
  for (const char* field : kOnlineFields) out.field(group, field, "by the dataset");
}

// Of two JSON objects only the fields that differ, as "max_length 128, sampler.type all".
void keep_differences(std::string& a, std::string& b) {
  const json of_a = json::parse(a, nullptr, false);
  const json of_b = json::parse(b, nullptr, false);
  if (!of_a.is_object() || !of_b.is_object()) return;
  const auto without_equal = [](const json& kept, const json& other) {
    std::string out;
    const json all = kept.flatten();
    const json fields = other.flatten();
    for (const auto& [pointer, value] : all.items()) {
      if (fields.contains(pointer) && fields[pointer] == value) continue;
      std::string name = pointer.substr(1);
      std::ranges::replace(name, '/', '.');
      out += (out.empty() ? "" : ", ") + name + " " + text_of(value).value_or("null");
    }
    return out.empty() ? "nothing" : out;
  };
  a = without_equal(of_a, of_b);
  b = without_equal(of_b, of_a);
}

const Setting* find(const Settings& settings, std::string_view name) {
  const auto it = std::ranges::find(settings, name, &Setting::name);
  return it == settings.end() ? nullptr : &*it;
}

}  // namespace

std::string_view name_of(SettingGroup group) {
  switch (group) {
    case SettingGroup::kHeads:
      return "heads";
    case SettingGroup::kBuckets:
      return "buckets";
    case SettingGroup::kModel:
      return "model";
    case SettingGroup::kDocuments:
      return "documents";
    case SettingGroup::kCapture:
      return "captured tokens";
    case SettingGroup::kVector:
      return "vectors";
    case SettingGroup::kMethod:
      return "method";
    case SettingGroup::kOptions:
      return "options";
    case SettingGroup::kNote:
      return "notes";
  }
  return "";
}

Settings settings_of(const json& record, const std::string& method) {
  SettingList out(record);
  out.of_dataset(SettingGroup::kHeads, "layers", "num_layers");
  out.of_dataset(SettingGroup::kHeads, "query heads per layer", "num_q_heads");
  out.of_dataset(SettingGroup::kHeads, "key heads per layer", "num_k_heads");
  out.add(SettingGroup::kBuckets, "buckets", buckets_text(value_at(record, {"buckets"})));
  out.of_dataset(SettingGroup::kModel, "model", "model");
  out.of_dataset(SettingGroup::kDocuments, "corpus", "corpus");
  out.add(SettingGroup::kDocuments, "documents", documents_text(record));
  out.of_dataset(SettingGroup::kCapture, "capture", "capture");
  out.field(SettingGroup::kVector, "vector");
  add_method(method, out);
  out.field(SettingGroup::kOptions, "compat", "none");
  for (const char* field :
       {"seed", "max_tokens_per_head", "num_pairs_per_bucket", "normality_max_dims", "p_alpha"}) {
    out.field(SettingGroup::kOptions, field);
  }
  out.of_dataset(SettingGroup::kNote, "dataset", "folder");
  out.field(SettingGroup::kNote, "version");
  out.field(SettingGroup::kNote, "commit", "none");
  return out.take();
}

bool SettingsComparison::differ_in(SettingGroup group) const {
  return std::ranges::any_of(different,
                             [&](const SettingDifference& one) { return one.a.group == group; });
}

std::vector<SettingGroup> SettingsComparison::subjects() const {
  std::vector<SettingGroup> out;
  for (const SettingGroup group :
       {SettingGroup::kModel, SettingGroup::kDocuments, SettingGroup::kCapture,
        SettingGroup::kVector, SettingGroup::kMethod, SettingGroup::kOptions}) {
    if (differ_in(group)) out.push_back(group);
  }
  return out;
}

SettingsComparison compare_settings(const Settings& a, const Settings& b) {
  SettingsComparison out;
  for (const Setting& of_a : a) {
    const Setting* of_b = find(b, of_a.name);
    if (of_b == nullptr) continue;  // of a method that only one of them has
    if (of_a.value && of_b->value) {
      if (*of_a.value == *of_b->value) continue;
      out.different.push_back({of_a, *of_b});
      keep_differences(*out.different.back().a.value, *out.different.back().b.value);
    } else if (of_a.group != SettingGroup::kNote) {
      out.unknown.push_back(of_a.name);
    }
  }
  return out;
}

std::optional<std::string> value_of(const Settings& settings, std::string_view name) {
  const Setting* found = find(settings, name);
  if (found == nullptr) return {};
  return found->value;
}

}  // namespace qk
