#include <fmt/ranges.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/nearest.h"
#include "formats/json.h"
#include "formats/other_weights.h"
#include "model/config_normalise.h"
#include "model/model.h"
#include "model/model_source.h"
#include "model/unsupported_models.h"

namespace qk {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr size_t kMaxConfigBytes = size_t{16} << 20;

[[noreturn]] void refuse_model_type(const ConfigObject& config, std::string_view type,
                                    std::span<const Architecture* const> registry) {
  if (type.empty()) config.refuse("model_type", "the name of a model");
  std::vector<std::string_view> titles;
  std::vector<std::string_view> types;
  for (const Architecture* architecture : registry) {
    titles.push_back(architecture->title);
    types.insert(types.end(), architecture->model_types.begin(), architecture->model_types.end());
    for (const Wrapper& wrapper : architecture->wrappers) types.push_back(wrapper.model_type);
  }
  const UnsupportedModel* known = find_unsupported_model(type);
  std::string model = printable(type);
  if (known != nullptr) model = known->title;
  std::string more = ".";
  if (known != nullptr && !known->reason.empty()) more = fmt::format(": {}.", known->reason);
  if (const auto near = nearest(type, types); known == nullptr && near) {
    more = fmt::format("; did you mean {}?", *near);
  }
  fail("{}: {}: {} is not supported{} Supported: {}. See docs/adding-a-model.md", config.file(),
       config.name("model_type"), model, more, fmt::join(titles, ", "));
}

bool has_type(const Architecture& architecture, std::string_view type) {
  return std::ranges::find(architecture.model_types, type) != architecture.model_types.end();
}

// The architecture that a decoder's own config.json names; null if none is known.
const Architecture* decoder_architecture(const json& top, std::string_view type,
                                         std::span<const Architecture* const> registry) {
  const Architecture* found = nullptr;
  for (const Architecture* architecture : registry) {
    for (const KeyedType& keyed : architecture->keyed_types) {
      if (keyed.model_type == type && top.contains(keyed.key)) return architecture;
    }
    if (has_type(*architecture, type)) found = architecture;
  }
  return found;
}

bool ties_embeddings(const json& top, const Architecture& architecture) {
  const auto found = top.find("tie_word_embeddings");
  return found == top.end() ? architecture.defaults.tie_word_embeddings : *found == true;
}

const Wrapper* wrapper_of(const Architecture& architecture, std::string_view type) {
  for (const Wrapper& wrapper : architecture.wrappers) {
    if (wrapper.model_type == type) return &wrapper;
  }
  return nullptr;
}

void refuse_quantised(const ConfigObject& config) {
  if (!config.given("quantization_config")) return;
  std::string method = "an unknown method";
  const json& found = config.json().at("quantization_config");
  if (found.is_object() && found.contains("quant_method") && found["quant_method"].is_string()) {
    method = printable(found["quant_method"].get<std::string>(), 40);
  }
  fail(
      "{}: quantization_config: expected a checkpoint in F32, F16 or BF16 (or a GGUF file), found "
      "one quantised with {}",
      config.file(), method);
}

// Adapters (LoRA and the like) come without the model that they change.
void refuse_adapter(const fs::path& folder) {
  const fs::path path = folder / "adapter_config.json";
  std::error_code ignored;
  for (const char* weights : {"model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(folder / weights, ignored)) return;
  }
  if (!fs::exists(path, ignored)) return;
  const json adapter = parse_python_json(read_file(path, kMaxConfigBytes), path.string());
  std::string base = "its base model";
  if (adapter.is_object() && adapter.contains("base_model_name_or_path") &&
      adapter["base_model_name_or_path"].is_string()) {
    base = printable(adapter["base_model_name_or_path"].get<std::string>());
  }
  fail("{}: expected a whole checkpoint, found only an adapter of {}; merge the two first",
       path.string(), base);
}

// The decoder of a multimodal configuration: text_config, whose own model_type (or a default)
// selects the architecture. Null if no architecture knows this wrapper.
const Architecture* unwrap(const ConfigObject& config, const std::string& type,
                           std::span<const Architecture* const> registry, json& decoder) {
  const Architecture* otherwise = nullptr;
  bool known = false;
  for (const Architecture* architecture : registry) {
    const Wrapper* wrapper = wrapper_of(*architecture, type);
    if (wrapper == nullptr) continue;
    known = true;
    if (wrapper->is_default) otherwise = architecture;
  }
  if (!known) return nullptr;
  const ConfigObject text = config.object("text_config");
  refuse_quantised(text);
  decoder = text.json();
  if (!text.given("model_type")) {
    if (otherwise == nullptr) text.refuse("model_type", "a decoder's model_type");
    decoder["model_type"] = otherwise->model_types.front();
    return otherwise;
  }
  const std::string text_type = text.string("model_type");
  for (const Architecture* architecture : registry) {
    if (wrapper_of(*architecture, type) != nullptr && has_type(*architecture, text_type)) {
      return architecture;
    }
  }
  refuse_model_type(text, text_type, registry);
}

// Overrides apply to the top of config.json, where a wrapper has nothing about its decoder.
void refuse_wrapped_overrides(const ModelSource& source, const std::string& overrides) {
  const json changes = json::parse(overrides, nullptr, /*allow_exceptions=*/false);
  if (!changes.is_object() || changes.empty()) return;
  fail(
      "model.config_overrides: {}: expected a model whose decoder is described at the top of "
      "config.json, found {} with the decoder in text_config, which overrides do not reach",
      printable(changes.begin().key()), source.config_name);
}

// torch_dtype, which transformers 5 calls dtype; empty if there is none.
std::string dtype_of(const json& top) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    const auto found = top.find(key);
    if (found != top.end() && found->is_string()) return found->get<std::string>();
  }
  return "";
}

ModelSource open_folder(const fs::path& folder, std::span<const Architecture* const> registry,
                        bool is_whole) {
  ModelSource out;
  const fs::path path = folder / "config.json";
  out.config_name = path.string();
  if (is_whole) refuse_adapter(folder);
  if (!fs::is_regular_file(path)) {
    fail("{}: expected a model folder with config.json, found no such file{}", path.string(),
         other_weights(folder));
  }
  const json top = parse_python_json(read_file(path, kMaxConfigBytes), out.config_name);
  if (!top.is_object()) fail("{}: expected an object, found {}", out.config_name, shown(top));
  const ConfigObject config(top, out.config_name);
  refuse_quantised(config);
  out.dtype = dtype_of(top);
  const std::string type = config.string("model_type");
  out.architecture = decoder_architecture(top, type, registry);
  if (out.architecture != nullptr) {
    out.decoder = top;
    if (!has_type(*out.architecture, type)) {
      out.decoder["model_type"] = out.architecture->model_types.front();
    }
    out.ties_embeddings = ties_embeddings(top, *out.architecture);
    return out;
  }
  out.is_wrapped = true;
  out.architecture = unwrap(config, type, registry, out.decoder);
  if (out.architecture == nullptr) {
    refuse_model_type(config, type, registry);
  }
  out.ties_embeddings = ties_embeddings(top, *out.architecture);
  return out;
}

}  // namespace

ModelSource open_model_source(const fs::path& source, std::span<const Architecture* const> registry,
                              bool is_whole) {
  if (fs::is_directory(source)) return open_folder(source, registry, is_whole);
  if (!fs::exists(source)) {
    fail("{}: expected a model folder or a GGUF file, found nothing",
         printable(source.string(), 400));
  }
  if (source.extension() != ".gguf" && !begins_as_gguf(source)) {
    refuse_lfs_pointer(source);
    fail(
        "{}: expected a model folder or a GGUF file, found another file; a checkpoint of "
        "safetensors files is named by its folder",
        printable(source.string(), 400));
  }
  ModelSource out;
  out.gguf = std::make_shared<const GgufFile>(source);
  out.config_name = source.string();
  out.architecture = &gguf_architecture(*out.gguf, registry);
  out.decoder = gguf_decoder_config(*out.gguf, *out.architecture);
  return out;
}

ModelConfig resolve_config(const ModelSource& source, const std::string& overrides) {
  const Architecture& architecture = *source.architecture;
  const ConfigObject decoder(source.decoder, source.config_name);
  if (!source.gguf) check_config_json(decoder, architecture);
  json config = normalise_config(decoder, architecture);
  if (source.gguf && architecture.block.query_position_scale) {
    set_default(config["rope_parameters"], "llama_4_scaling_beta", 0.0);  // a file may have none
  }
  if (source.is_wrapped) refuse_wrapped_overrides(source, overrides);
  ModelConfig out = read_overridden_config({config, source.config_name}, overrides, architecture);
  if (!source.gguf) return out;
  RopeParameters& rope = out.rope.front();
  rope.divisors = gguf_rope_divisors(*source.gguf, rope.rotary_dim);
  if (!rope.divisors.empty() && rope.type != RopeType::kDefault) {
    fail("{}: rope_freqs.weight: expected no other rope scaling beside it, found {}",
         source.config_name, printable(config["rope_parameters"]["rope_type"].dump()));
  }
  return out;
}

ModelConfig read_model_config(const fs::path& source, const std::string& overrides,
                              std::span<const Architecture* const> registry) {
  return resolve_config(open_model_source(source, registry), overrides);
}

}  // namespace qk
