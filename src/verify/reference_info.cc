#include "verify/reference_info.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/json.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr int64_t kMaxWindow = int64_t{1} << 31;

class Metadata {
 public:
  explicit Metadata(const Reference& reference) : reference_(reference) {}

  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const std::string& found) const {
    fail("{}: metadata: {}: expected {}, found {}", reference_.file, key, expected, found);
  }

  const std::string& text(const std::string& key) const {
    const auto it = reference_.metadata.find(key);
    if (it == reference_.metadata.end()) {
      refuse(key, "a value, as tools/make_reference.py writes it", "nothing");
    }
    return it->second;
  }

  bool has(const std::string& key) const { return reference_.metadata.contains(key); }

  json value(const std::string& key) const {
    return parse_json(text(key), reference_.file + ": metadata: " + key);
  }

 private:
  const Reference& reference_;
};

std::vector<IdentifiedFile> read_files(const Metadata& metadata) {
  const json list = metadata.value("files");
  const std::string expected = "a list of {name, bytes, sha256}";
  if (!list.is_array() || list.empty()) metadata.refuse("files", expected, list.type_name());
  std::vector<IdentifiedFile> out;
  for (const json& item : list) {
    const bool whole = item.is_object() && item.contains("name") && item["name"].is_string() &&
                       item.contains("bytes") && item["bytes"].is_number_unsigned() &&
                       item.contains("sha256") && item["sha256"].is_string();
    if (!whole) metadata.refuse("files", expected, "another entry");
    out.push_back({item["name"].get<std::string>(), item["bytes"].get<int64_t>(),
                   item["sha256"].get<std::string>()});
  }
  return out;
}

std::vector<std::optional<int64_t>> read_windows(const Metadata& metadata) {
  const json list = metadata.value("windows");
  const std::string expected = "a list of null, tokens or \"skipped\"";
  if (!list.is_array()) metadata.refuse("windows", expected, list.type_name());
  std::vector<std::optional<int64_t>> out;
  for (const json& item : list) {
    if (item == "skipped") {
      out.emplace_back();
    } else if (item.is_null()) {
      out.emplace_back(0);
    } else if (item.is_number_unsigned() && item >= 1 && item <= kMaxWindow) {
      out.emplace_back(item.get<int64_t>());
    } else {
      metadata.refuse("windows", expected, printable(item.dump(), 40));
    }
  }
  return out;
}

std::map<std::pair<int, Site>, double> read_distances(const Metadata& metadata,
                                                      const Reference& reference) {
  if (!metadata.has("float64")) return {};
  const json object = metadata.value("float64");
  std::map<std::pair<int, Site>, double> out;
  for (const auto& [key, vectors] : reference.vectors) {
    const std::string name = reference_name(key.first, key.second);
    const json found = object.is_object() ? object.value(name, json()) : json();
    if (!found.is_number() || !std::isfinite(found.get<double>()) || found < 0) {
      metadata.refuse("float64", "a number of at least 0 for " + name, printable(found.dump(), 40));
    }
    out[key] = found.get<double>();
  }
  return out;
}

bool is_distance(const json& value) {
  return value.is_number() && std::isfinite(value.get<double>()) && value >= 0;
}

std::map<std::pair<int, Site>, HalfDistance> read_half_distances(const Metadata& metadata,
                                                                 const Reference& reference) {
  if (!metadata.has("float32")) return {};
  const json object = metadata.value("float32");
  std::map<std::pair<int, Site>, HalfDistance> out;
  for (const auto& [key, vectors] : reference.vectors) {
    const std::string name = reference_name(key.first, key.second);
    const json found = object.is_object() ? object.value(name, json()) : json();
    const bool is_pair =
        found.is_array() && found.size() == 2 && is_distance(found[0]) && is_distance(found[1]);
    if (!is_pair) {
      metadata.refuse("float32", "two numbers of at least 0 for " + name,
                      printable(found.dump(), 40));
    }
    out[key] = {found[0].get<double>(), found[1].get<double>()};
  }
  return out;
}

DType read_dtype(const Metadata& metadata) {
  const std::string& name = metadata.text("dtype");
  const std::optional<DType> dtype = parse_torch_name(name);
  if (!dtype) metadata.refuse("dtype", "float32, float16 or bfloat16", printable(name));
  return *dtype;
}

NamedDevice read_device(const Metadata& metadata) {
  const auto text = [&](const char* key) {
    return metadata.has(key) ? metadata.text(key) : std::string();
  };
  return {text("device"), text("device_name"), text("device_capability"), text("torch")};
}

int64_t read_max_length(const Metadata& metadata) {
  const json found = metadata.value("max_length");
  if (!found.is_number_unsigned() || found < 1 || found > kMaxWindow) {
    metadata.refuse("max_length", "a number of tokens", printable(found.dump(), 40));
  }
  return found.get<int64_t>();
}

}  // namespace

ReferenceInfo read_reference_info(const Reference& reference) {
  const Metadata metadata(reference);
  if (metadata.text("format") != kReferenceFormat) {
    metadata.refuse("format", std::string(kReferenceFormat), printable(metadata.text("format")));
  }
  ReferenceInfo out;
  out.dtype = read_dtype(metadata);
  out.model = metadata.text("model");
  out.files = read_files(metadata);
  out.transformers = metadata.text("transformers");
  out.torch = metadata.text("torch");
  out.windows = read_windows(metadata);
  out.device = read_device(metadata);
  out.float64 = read_distances(metadata, reference);
  out.float32 = read_half_distances(metadata, reference);
  if (metadata.has("text")) {
    out.text = metadata.text("text");
    out.max_length = read_max_length(metadata);
  }
  return out;
}

}  // namespace qk
