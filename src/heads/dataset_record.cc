#include "heads/dataset_record.h"

#include <bit>
#include <nlohmann/json.hpp>

#include "dataset/footer_json.h"
#include "dataset/schema.h"

namespace qk {
namespace {

using nlohmann::json;

// The value at a path of keys, or null.
json value_at(const json& object, std::initializer_list<const char*> keys) {
  const json* here = &object;
  for (const char* key : keys) {
    if (!here->is_object() || !here->contains(key)) return nullptr;
    here = &(*here)[key];
  }
  return *here;
}

std::optional<BucketRanges> ranges_of(const json& provenance) {
  const json type = value_at(provenance, {"config", "capture", "sampler", "type"});
  const auto size = count_at(value_at(provenance, {"config", "capture"}).is_object()
                                 ? value_at(provenance, {"config", "capture"})
                                 : json::object(),
                             "min_bucket_size");
  constexpr int64_t kLargest = int64_t{1} << 61;
  if (!size || *size > kLargest || !type.is_string()) return {};
  if (type == "log_uniform") {
    return BucketRanges::log(std::bit_width(static_cast<uint64_t>(*size) - 1));
  }
  if (type == "uniform" || type == "all") return BucketRanges::uniform(*size);
  return {};
}

std::optional<VectorKind> vector_of(const json& geometry) {
  const json vector = value_at(geometry, {"vector"});
  for (const VectorKind kind : {VectorKind::kPostRope, VectorKind::kPreRope}) {
    if (vector == json(name_of(kind))) return kind;
  }
  return {};
}

}  // namespace

std::string_view name_of(VectorKind kind) {
  return kind == VectorKind::kPreRope ? "pre_rope" : "post_rope";
}

DatasetRecord parse_record(const std::map<std::string, std::string>& footer) {
  const json geometry = footer_object(footer, kFooterGeometry);
  const json provenance = footer_object(footer, kFooterProvenance);
  DatasetRecord out;
  out.num_layers = count_at(geometry, "num_hidden_layers");
  out.num_q_heads = count_at(geometry, "num_attention_heads");
  out.num_k_heads = count_at(geometry, "num_key_value_heads");
  out.ranges = ranges_of(provenance);
  out.vector = vector_of(geometry);
  if (const json model = value_at(provenance, {"model", "name"}); model.is_string()) {
    out.model = model.get<std::string>();
  }
  return out;
}

}  // namespace qk
