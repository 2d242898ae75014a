#include "cli/version_info.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "arch/registry.h"
#include "base/build_info.h"
#include "base/dtype.h"
#include "dataset/arrow_version.h"
#include "device/torch_api.h"
#include "formats/gguf_types.h"
#include "hub/curl_version.h"
#include "journal/journal_format.h"
#include "kernels/simd_name.h"
#include "page/page_template.h"

namespace qk {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersionSchema = 1;  // raised when a key changes its meaning or goes
constexpr std::string_view kDirty = "-dirty";
constexpr uint32_t kMostGgufTypes = 256;

Json libraries_json() {
  Json out = {{"Arrow", arrow_version()}};
  for (const LibraryVersion& library : library_versions()) out[library.name] = library.version;
  for (const LibraryVersion& library : http_library_versions()) out[library.name] = library.version;
  out["tokenizers"] = tokenizers_version();
  return out;
}

Json architectures_json() {
  Json out = Json::array();
  for (const Architecture* one : registry()) {
    Json types = Json::array();
    for (const std::string_view type : one->model_types) types.push_back(type);
    out.push_back({{"name", one->name},
                   {"model_types", std::move(types)},
                   {"gguf", one->gguf_arch.empty() ? Json() : Json(one->gguf_arch)}});
  }
  return out;
}

Json weights_json() {
  Json gguf = Json::array();
  for (uint32_t id = 0; id < kMostGgufTypes; ++id) {
    const GgufTensorType* type = gguf_tensor_type(id);
    if (type != nullptr && type->dtype) gguf.push_back(type->name);
  }
  return {
      {"safetensors", {info(DType::kF32).name, info(DType::kF16).name, info(DType::kBF16).name}},
      {"gguf", std::move(gguf)}};
}

}  // namespace

std::string version_text() {
  const std::string commit = build_commit();
  return fmt::format("qkscope {}{}\nArrow {}, tokenizers {}, SIMD {}", version(),
                     commit.empty() ? "" : " (" + commit + ")", arrow_version(),
                     tokenizers_version(), simd_name());
}

std::string version_json() {
  std::string commit = build_commit();
  const bool is_dirty = commit.ends_with(kDirty);
  if (is_dirty) commit.resize(commit.size() - kDirty.size());
  const Json out = {{"schema", kVersionSchema},
                    {"name", "qkscope"},
                    {"version", version()},
                    {"commit", commit.empty() ? Json() : Json(commit)},
                    {"dirty", is_dirty},
                    {"build_type", build_type()},
                    {"compiler", compiler()},
                    {"libraries", libraries_json()},
                    {"architectures", architectures_json()},
                    {"backends",
                     {{"cpu", {{"simd", simd_name()}, {"simd_built", simd_targets()}}},
                      {"torch", {{"plugin_table", QK_TORCH_API_VERSION}}}}},
                    {"formats",
                     {{"weights", weights_json()},
                      {"corpus", {"parquet", "jsonl", "json", "ndjson", "txt"}},
                      {"packed", {"gz", "zst", "bz2"}},
                      {"journal", journal::kVersion},
                      {"figures", {"png", "svg", "pdf"}}}},
                    {"report_page", has_page_template()}};
  return out.dump(2);
}

}  // namespace qk
