#include "capture/device_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace qk {
namespace {

constexpr int64_t kTorchChunk = 16384;  // tokens

bool is_torch(const Devices& devices) { return devices.name() != "cpu"; }
bool is_cuda(const Devices& devices) { return devices.name().starts_with("cuda"); }

void refuse_without_effect(const DeviceKey& key, const Devices& devices, std::string_view why) {
  if (!key.value || !key.is_override) return;
  fail("{}has no effect on {}: {}", key.start, devices.name(), why);
}

// The original computes under torch.autocast, on CUDA only; in the type of the weights that changes
// nothing.
void check_autocast(const SniffConfig& config, const Devices& devices) {
  const DeviceKey& key = config.inference.autocast_dtype;
  if (!is_cuda(devices)) {
    refuse_without_effect(
        key, devices,
        is_torch(devices) ? "the original autocasts on CUDA only" : "Qkscope computes in float32");
    return;
  }
  if (!key.value && !config.compat_reference) return;
  const DType autocast = key.value ? dtype_of(*key.value) : DType::kF16;
  const DType dtype = dtype_of(config.model.dtype);
  if (autocast == dtype) return;
  fail(
      "{}expected that of model.dtype, {}, found {}{}: computing in one type with weights of another "
      "is not built; --set inference.autocast_dtype={}, or the other type in model.dtype",
      key.start, torch_name(dtype), torch_name(autocast),
      key.value ? "" : ", which the original takes when it is absent", torch_name(dtype));
}

// torch's attention: on a GPU FlashAttention-2 is one of its kernels, in half precision only.
void check_attention(const SniffConfig& config, const Devices& devices) {
  const DeviceKey& key = config.model.attn_implementation;
  if (!key.value || key.value->empty()) return;
  if (!is_torch(devices)) {
    refuse_without_effect(key, devices, "there is only one implementation");
    return;
  }
  const std::string name = *key.value;
  if (name == "sdpa") return;
  const bool is_half = dtype_of(config.model.dtype) != DType::kF32;
  if (name == "flash_attention_2" && is_cuda(devices) && is_half && !config.compat_reference)
    return;
  fail("{}expected sdpa{} or null on {}, found {}: no other implementation is built in", key.start,
       is_cuda(devices) && !config.compat_reference
           ? ", flash_attention_2 (with a model.dtype of float16 or bfloat16)"
           : "",
       devices.name(), printable(name));
}

}  // namespace

DeviceChoice choose_device(const SniffConfig& config, const std::optional<std::string>& flag) {
  if (flag) return {"--device", parse_device("--device", *flag)};
  const ModelSection& model = config.model;
  std::string place = model.device_map.start;
  place.resize(place.size() - std::min<size_t>(place.size(), 2));  // ": "
  if (!model.device_map_fault.empty()) fail("{}: {}", place, model.device_map_fault);
  return {place, parse_device(place, model.device_map.value.value_or("auto"))};
}

DeviceOptions device_options(const SniffConfig& config, int num_threads) {
  return {.dtype = dtype_of(config.model.dtype),
          .dispatched_attention = config.compat_reference,
          .num_threads = num_threads};
}

void check_device_keys(const SniffConfig& config, const Devices& devices) {
  check_autocast(config, devices);
  check_attention(config, devices);
}

ForwardOptions forward_options(const BackendTraits& traits, const ChunkSizes& chunks) {
  ForwardOptions out;
  if (traits.rows_depend_on_shape) {
    out.chunk_tokens = kTorchChunk;
    out.attention_tokens = kWholeDocuments;
  }
  if (chunks.chunk_tokens > 0) out.chunk_tokens = chunks.chunk_tokens;
  if (chunks.attention_tokens == 0) return out;
  if (!traits.rows_depend_on_shape) {
    fail("--attention-tokens: is for torch; on cpu --chunk-tokens holds for attention too");
  }
  if (chunks.attention_tokens % out.chunk_tokens != 0) {
    fail("--attention-tokens: expected a multiple of --chunk-tokens ({}), found {}",
         out.chunk_tokens, chunks.attention_tokens);
  }
  out.attention_tokens = chunks.attention_tokens;
  return out;
}

ComputedIn computed_in(const Devices& devices, int64_t head_dim, const ForwardOptions& forward) {
  ComputedIn out{.dtype = devices.backend(0).traits.dtype};
  const std::string description = devices.description(head_dim);
  if (description.empty()) return out;
  nlohmann::ordered_json device = nlohmann::ordered_json::parse(description);
  device["chunk_tokens"] = forward.chunk_tokens;
  device["attention_tokens"] = nullptr;
  if (forward.attention_tokens != kWholeDocuments) {
    device["attention_tokens"] =
        forward.attention_tokens > 0 ? forward.attention_tokens : forward.chunk_tokens;
  }
  out.device = device.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return out;
}

std::string device_title(const std::string& description) {
  if (description.empty()) return "cpu";
  const nlohmann::json object = nlohmann::json::parse(description, nullptr, false);
  const auto text = [&](const char* key) -> std::string {
    if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return "";
    return printable(object[key].get<std::string>(), 80);
  };
  const std::string kind = text("device");
  const std::string device = kind.empty() || kind == "cpu" ? "torch:cpu" : kind;
  return text("name").empty() ? device : fmt::format("{} ({})", device, text("name"));
}

}  // namespace qk
