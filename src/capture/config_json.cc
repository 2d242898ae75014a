#include <nlohmann/json.hpp>

#include "capture/config.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

template <typename T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json all_or_list(const std::vector<int64_t>& indexes) {
  return indexes.empty() ? ordered_json(nullptr) : ordered_json(indexes);
}

ordered_json capture_json(const CaptureSection& capture) {
  ordered_json out = {{"capture_queries", capture.capture_queries},
                      {"capture_keys", capture.capture_keys},
                      {"layers", all_or_list(capture.layers)},
                      {"heads", all_or_list(capture.heads)}};
  out["head_sampling"] = nullptr;
  if (capture.head_sampling) {
    out["head_sampling"] = {{"count", capture.head_sampling->count},
                            {"seed", capture.head_sampling->seed}};
  }
  out["full_attention_only"] = capture.full_attention_only;
  out["sampler"] = {{"type", sampler_name(capture.sampler)},
                    {"base_rate", capture.base_rate},
                    {"positions", capture.shared_positions ? "shared" : "independent"}};
  out["max_rows_per_batch"] = or_null(capture.max_rows_per_batch);
  out["min_bucket_size"] = capture.min_bucket_size;
  out["rope"] = rope_name(capture.rope);
  out["capture_token_strings"] = capture.capture_token_strings;
  out["on_nonfinite"] = capture.skip_nonfinite ? "skip" : "stop";
  return out;
}

}  // namespace

std::string config_json(const SniffConfig& config) {
  ordered_json out;
  out["dataset"] = {{"path", config.dataset.path},
                    {"name", or_null(config.dataset.name)},
                    {"split", config.dataset.split},
                    {"text_column", config.dataset.text_column},
                    {"id_column", or_null(config.dataset.id_column)},
                    {"max_samples", or_null(config.dataset.max_samples)},
                    {"on_bad_text", config.dataset.skip_bad_text ? "skip" : "stop"},
                    {"max_text_bytes", config.dataset.max_text_bytes}};
  if (config.dataset.revision) out["dataset"]["revision"] = *config.dataset.revision;
  out["model"] = {{"name", config.model.name},
                  {"revision", or_null(config.model.revision)},
                  {"dtype", config.model.dtype}};
  const std::string& overrides = config.model.config_overrides;
  out["model"]["config_overrides"] =
      overrides.empty() ? ordered_json(nullptr) : ordered_json::parse(overrides);
  out["tokenizer"] = {{"name", or_null(config.tokenizer.name)},
                      {"max_length", config.tokenizer.max_length}};
  out["capture"] = capture_json(config.capture);
  out["compat"] = config.compat_reference ? ordered_json("reference") : ordered_json(nullptr);
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace qk
