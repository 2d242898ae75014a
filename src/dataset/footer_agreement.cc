#include "dataset/footer_agreement.h"

#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dataset/footer_json.h"
#include "dataset/head_file.h"

namespace qk {
namespace {

using nlohmann::json;

// Of the provenance, what decides about the vectors; of the geometry everything counts but what was
// captured.
constexpr std::string_view kProvenanceKeys[] = {"/model/files",
                                                "/tokenizer/sha256",
                                                "/corpus/sha256",
                                                "/computed_in",
                                                "/device",
                                                "/config/model/config_overrides",
                                                "/config/tokenizer/max_length",
                                                "/config/dataset/name",
                                                "/config/dataset/split",
                                                "/config/dataset/text_column",
                                                "/config/dataset/id_column",
                                                "/config/dataset/max_samples",
                                                "/config/capture/sampler",
                                                "/config/capture/min_bucket_size",
                                                "/config/compat"};
constexpr std::string_view kNameKeys[] = {"/model/name", "/model/revision"};
constexpr std::string_view kCaptured[] = {"captured", "query_heads", "key_heads"};

std::string text_of(const json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump(), 80);
}

std::optional<FooterDifference> difference(const json& first, const json& second,
                                           const std::string& key) {
  if (first == second) return {};
  if (first.is_object() && second.is_object()) {
    for (const auto& [name, value] : first.items()) {
      const bool is_selection = key.find(".layers.") != std::string::npos &&
                                std::ranges::find(kCaptured, name) != std::end(kCaptured);
      if (is_selection || !second.contains(name)) continue;
      if (auto found = difference(value, second[name], fmt::format("{}.{}", key, name)))
        return found;
    }
    return {};
  }
  if (first.is_array() && second.is_array() && first.size() == second.size()) {
    for (size_t i = 0; i < first.size(); ++i) {
      if (auto found = difference(first[i], second[i], fmt::format("{}.{}", key, i))) return found;
    }
    return {};
  }
  return FooterDifference{key, text_of(first), text_of(second)};
}

std::optional<FooterDifference> difference_at(const json& first, const json& second,
                                              std::string_view path) {
  const json::json_pointer pointer{std::string(path)};
  if (!first.contains(pointer) || !second.contains(pointer)) return {};
  const json& a = first[pointer];
  const json& b = second[pointer];
  if (path == "/model/revision" && (a.is_null() || b.is_null())) return {};  // not known
  std::string key = std::string(kFooterProvenance) + std::string(path);
  std::ranges::replace(key, '/', '.');
  return difference(a, b, key);
}

std::optional<FooterDifference> name_difference(const json& first, const json& second) {
  for (const std::string_view path : kNameKeys) {
    if (auto found = difference_at(first, second, path)) return found;
  }
  return {};
}

bool has_same_files(const json& first, const json& second) {
  const json::json_pointer files("/model/files");
  return first.contains(files) && second.contains(files) && first[files].is_array() &&
         !first[files].empty() && first[files] == second[files];
}

}  // namespace

Footer footer_of(const parquet::FileMetaData& metadata) {
  Footer out;
  const auto& pairs = metadata.key_value_metadata();
  for (int64_t i = 0; pairs != nullptr && i < pairs->size(); ++i) {
    if (pairs->key(i) != "ARROW:schema") out[pairs->key(i)] = pairs->value(i);
  }
  return out;
}

std::optional<FileHeading> read_heading(const std::filesystem::path& file) {
  const auto is_wanted = [](std::string_view column) { return column == "bucket"; };
  try {
    HeadFile open = open_head_file(file, is_wanted, 1);
    return FileHeading{footer_of(*open.reader->parquet_reader()->metadata()),
                       std::move(open.columns)};
  } catch (const std::exception&) {
    return {};
  }
}

std::optional<Footer> read_footer(const std::filesystem::path& file) {
  auto heading = read_heading(file);
  if (!heading) return {};
  return std::move(heading->footer);
}

std::optional<FooterDifference> footer_difference(const Footer& first, const Footer& second) {
  if (first == second) return {};
  const json geometry = footer_object(first, kFooterGeometry);
  const json other_geometry = footer_object(second, kFooterGeometry);
  const std::string prefix{kFooterGeometry};
  if (geometry.contains("vector") && other_geometry.contains("vector")) {
    auto found = difference(geometry["vector"], other_geometry["vector"], prefix + ".vector");
    if (found) return found;
  }
  const json provenance = footer_object(first, kFooterProvenance);
  const json other_provenance = footer_object(second, kFooterProvenance);
  if (!has_same_files(provenance, other_provenance)) {
    if (auto found = name_difference(provenance, other_provenance)) return found;
  }
  if (auto found = difference(geometry, other_geometry, prefix)) return found;
  for (const std::string_view path : kProvenanceKeys) {
    if (auto found = difference_at(provenance, other_provenance, path)) return found;
  }
  return {};
}

std::optional<FooterDifference> model_name_difference(const Footer& first, const Footer& second) {
  if (first == second) return {};
  return name_difference(footer_object(first, kFooterProvenance),
                         footer_object(second, kFooterProvenance));
}

std::string contradiction_text(const FooterDifference& difference, const std::string& other) {
  return fmt::format("its footer says {} {}, that of {} says {}", difference.key, difference.first,
                     other, difference.second);
}

bool is_recorded(const Footer& footer) {
  return footer.contains(std::string(kFooterGeometry)) ||
         footer.contains(std::string(kFooterProvenance));
}

std::optional<size_t> most_common_footer(const std::vector<const Footer*>& footers) {
  std::map<Footer, int64_t> counts;
  for (const Footer* footer : footers) {
    if (footer != nullptr && is_recorded(*footer)) ++counts[*footer];
  }
  std::optional<size_t> best;
  int64_t most = 0;
  for (size_t i = 0; i < footers.size(); ++i) {
    if (footers[i] == nullptr || !is_recorded(*footers[i])) continue;
    const int64_t count = counts.at(*footers[i]);
    if (count <= most) continue;
    most = count;
    best = i;
  }
  return best;
}

std::string geometry_fault(const Footer& footer, const ConfigName& head, int64_t vector_dim) {
  const json geometry = footer_object(footer, kFooterGeometry);
  const auto fault = [&](const char* key, int64_t found, const char* what) -> std::string {
    const auto count = count_at(geometry, key);
    if (!count || found < *count) return "";
    return fmt::format("is {} {}, though its footer has {} {}", what, found, key, *count);
  };
  if (auto text = fault("num_hidden_layers", head.layer, "of layer"); !text.empty()) return text;
  const bool is_query = head.kind == Kind::kQuery;
  if (auto text = fault(is_query ? "num_attention_heads" : "num_key_value_heads", head.head,
                        is_query ? "query head" : "key head");
      !text.empty()) {
    return text;
  }
  const auto dim = count_at(geometry, "head_dim");
  if (!dim || vector_dim == 0 || *dim == vector_dim) return "";
  return fmt::format("has vectors of {} numbers, though its footer has head_dim {}", vector_dim,
                     *dim);
}

}  // namespace qk
