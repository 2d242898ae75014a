#include "heads/dataset_record.h"

#include <bit>
#include <nlohmann/json.hpp>

#include "base/json_value.h"
#include "dataset/footer_json.h"
#include "dataset/schema.h"

namespace qk {
namespace {

using nlohmann::json;

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

// Without a digest nothing says which documents these are.
std::string corpus_of(const json& provenance) {
  const json digest = value_at(provenance, {"corpus", "sha256"});
  if (!digest.is_string()) return "";
  json out = {{"sha256", digest}};
  for (const char* key : {"split", "text_column", "id_column"}) {
    out[key] = value_at(provenance, {"config", "dataset", key});
  }
  return out.dump();
}

std::string capture_of(const json& provenance) {
  const json sampler = value_at(provenance, {"config", "capture", "sampler"});
  if (!sampler.is_object()) return "";
  const json out = {{"sampler", sampler},
                    {"max_length", value_at(provenance, {"config", "tokenizer", "max_length"})},
                    {"max_samples", value_at(provenance, {"config", "dataset", "max_samples"})}};
  return out.dump();
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
  out.corpus = corpus_of(provenance);
  out.capture = capture_of(provenance);
  out.rope = parse_rope(geometry);
  out.vector = vector_of(geometry);
  if (const json model = value_at(provenance, {"model", "name"}); model.is_string()) {
    out.model = model.get<std::string>();
  }
  return out;
}

}  // namespace qk
