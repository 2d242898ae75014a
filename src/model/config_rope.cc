// Rotary parameters: both spellings to one (architectures of transformers 4 and 5), then typed.
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/config_normalise.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, RopeType>, 6> kRopeTypes = {{
    {"default", RopeType::kDefault},
    {"linear", RopeType::kLinear},
    {"dynamic", RopeType::kDynamic},
    {"llama3", RopeType::kLlama3},
    {"yarn", RopeType::kYarn},
    {"longrope", RopeType::kLongrope},
}};

// The object under `key`; an empty one if it is absent or null.
json object_or_empty(const json& config, const std::string& file, const char* key) {
  const ConfigObject reader(config, file);
  return reader.given(key) ? reader.object(key).json() : json::object();
}

// The value of a top-level key, null included, or another one if it is absent.
json top_or(const json& config, const char* key, double otherwise) {
  const auto it = config.find(key);
  return it == config.end() ? json(otherwise) : *it;
}

// transformers gives a fraction at the top, the class's own one included, priority over the rope
// object; for rope type "default" only where the object has none.
void set_fraction(const json& config, double otherwise, json& rope) {
  constexpr const char* kKey = "partial_rotary_factor";
  const json top = config.contains(kKey) ? config.at(kKey) : json(otherwise);
  // With longrope transformers fails on a null in the object, which is then left to be refused.
  const bool fails = rope["rope_type"] == "longrope" && rope.value(kKey, json(1.0)).is_null();
  const bool wins = !fails && (config.contains(kKey) || otherwise != 1.0);
  if (wins && !top.is_null() && rope["rope_type"] != "default") rope[kKey] = top;
  set_default(rope, kKey, top);
}

void name_type(json& rope) {
  if (!rope.contains("rope_type")) rope["rope_type"] = rope.value("type", json("default"));
}

bool is_per_layer_type(const json& rope) {
  if (rope.empty()) return false;
  for (const auto& [key, value] : rope.items()) {
    if (key != "full_attention" && key != "sliding_attention") return false;
  }
  return true;
}

// One object for all layers. A rope_scaling object replaces rope_parameters; nothing is merged.
json single_rope(const json& config, const std::string& file, const Architecture& architecture) {
  json rope = object_or_empty(config, file, "rope_scaling");
  if (rope.empty()) rope = object_or_empty(config, file, "rope_parameters");
  const bool none = !ConfigObject(config, file).given("rope_parameters") && rope.empty();
  if (none && !architecture.defaults.rope_parameters.empty()) {
    rope = json::parse(architecture.defaults.rope_parameters);
  }
  if (is_per_layer_type(rope)) {
    fail("{}: rope_parameters: expected one set of parameters, found one per layer type", file);
  }
  set_default(rope, "rope_theta", top_or(config, "rope_theta", architecture.defaults.rope_theta));
  name_type(rope);
  set_fraction(config, architecture.defaults.partial_rotary_factor, rope);
  return rope;
}

// One object per layer type. The old rope_scaling holds for full attention only. Keys beside the
// two types mean nothing: transformers 5 writes such files for models with layers of one type only.
json rope_per_layer_type(const json& config, const std::string& file,
                         const Architecture& architecture) {
  json rope = object_or_empty(config, file, "rope_parameters");
  const ConfigObject reader(config, file);
  if (reader.given("rope_parameters") && !rope.contains("full_attention") &&
      reader.given("rope_scaling")) {
    reader.refuse("rope_parameters", "the key full_attention, which rope_scaling changes");
  }
  if (rope.empty()) {
    rope = {{"full_attention", {{"rope_type", "default"}}},
            {"sliding_attention", {{"rope_type", "default"}}}};
  }
  if (!rope.contains("full_attention") && !rope.contains("sliding_attention")) {
    fail("{}: rope_parameters: expected the keys full_attention and sliding_attention, found {}",
         file, printable(rope.begin().key()));
  }
  for (const char* type : {"full_attention", "sliding_attention"}) {
    rope[type] = object_or_empty(rope, file, type);
  }
  rope["full_attention"].update(object_or_empty(config, file, "rope_scaling"));
  set_default(rope["full_attention"], "rope_theta",
              top_or(config, "rope_theta", architecture.defaults.rope_theta));
  set_default(rope["sliding_attention"], "rope_theta",
              top_or(config, "rope_local_base_freq", architecture.defaults.sliding_rope_theta));
  for (const char* type : {"full_attention", "sliding_attention"}) {
    name_type(rope[type]);
    set_fraction(config, architecture.defaults.partial_rotary_factor, rope[type]);
    rope[type].erase("truncate");  // transformers reads it from the outer object only
    if (rope.contains("truncate")) rope[type]["truncate"] = rope["truncate"];
  }
  return rope;
}

RopeType read_type(const ConfigObject& rope) {
  const std::string name = rope.string("rope_type");
  std::string known;
  for (const auto& [spelling, type] : kRopeTypes) {
    if (name == spelling) return type;
    known += (known.empty() ? "" : ", ") + std::string(spelling);
  }
  rope.refuse("rope_type", "one of " + known);
}

// Zero, null and absent mean "not given".
std::optional<double> optional_number(const ConfigObject& rope, std::string_view key) {
  if (!rope.given(key)) return std::nullopt;
  return rope.number(key);
}

// max_position_embeddings, where it is needed.
int64_t longest(const ConfigObject& config) {
  return config.whole("max_position_embeddings", 1, kMaxPositions);
}

// The top of the file wins over the rope object, but not over one of a layer type.
int64_t original_length(const ConfigObject& config, const ConfigObject& rope, bool by_layer_type) {
  constexpr std::string_view kKey = "original_max_position_embeddings";
  if (!by_layer_type && config.present(kKey)) return config.whole(kKey, 1, kMaxPositions);
  if (rope.present(kKey)) return rope.whole(kKey, 1, kMaxPositions);
  return longest(config);
}

// factor: null means the ratio of the two lengths.
double length_ratio(const RopeParameters& out, const ConfigObject& config) {
  return static_cast<double>(longest(config)) /
         static_cast<double>(out.original_max_position_embeddings);
}

void read_yarn(const ConfigObject& config, const ConfigObject& rope, RopeParameters& out) {
  const bool is_null = rope.present("factor") && !rope.given("factor");
  out.factor = is_null ? length_ratio(out, config) : rope.positive("factor");
  out.attention_factor = optional_number(rope, "attention_factor");
  out.mscale = optional_number(rope, "mscale");
  out.mscale_all_dim = optional_number(rope, "mscale_all_dim");
  if (const double fast = optional_number(rope, "beta_fast").value_or(0); fast != 0) {
    out.beta_fast = rope.positive("beta_fast");
  }
  if (const double slow = optional_number(rope, "beta_slow").value_or(0); slow != 0) {
    out.beta_slow = rope.positive("beta_slow");
  }
  if (rope.present("truncate")) out.truncate = rope.truth("truncate");
  if (out.rope_theta == 1.0) rope.refuse("rope_theta", "a number other than 1 with yarn");
}

void read_longrope(const ConfigObject& config, const ConfigObject& rope, RopeParameters& out) {
  out.factor = rope.given("factor") ? rope.positive("factor") : length_ratio(out, config);
  out.attention_factor = optional_number(rope, "attention_factor");
  out.short_factor = rope.positives("short_factor", out.rotary_dim / 2);
  out.long_factor = rope.positives("long_factor", out.rotary_dim / 2);
  if (!out.attention_factor && out.factor > 1 && out.original_max_position_embeddings == 1) {
    rope.refuse("original_max_position_embeddings", "more than 1 with longrope");
  }
}

void read_llama3(const ConfigObject& rope, RopeParameters& out) {
  out.factor = rope.positive("factor");
  out.low_freq_factor = rope.positive("low_freq_factor");
  out.high_freq_factor = rope.positive("high_freq_factor");
  if (out.high_freq_factor <= out.low_freq_factor) {
    rope.refuse("high_freq_factor",
                fmt::format("more than low_freq_factor ({})", out.low_freq_factor));
  }
}

}  // namespace

void normalise_rope(json& config, const std::string& file, const Architecture& architecture) {
  json rope = architecture.block.rope_by_layer_type
                  ? rope_per_layer_type(config, file, architecture)
                  : single_rope(config, file, architecture);
  for (const char* key :
       {"rope_scaling", "rope_theta", "rope_local_base_freq", "partial_rotary_factor"}) {
    config.erase(key);
  }
  config["rope_parameters"] = std::move(rope);
}

RopeParameters read_rope(const ConfigObject& config, const ConfigObject& rope,
                         const ModelConfig& model, const Architecture& architecture) {
  RopeParameters out;
  out.type = read_type(rope);
  out.rope_theta = rope.positive("rope_theta");
  out.rotary_dim = model.head_dim;
  if (out.type != RopeType::kDefault || architecture.block.partial_rotary) {
    const double fraction =
        rope.present("partial_rotary_factor") ? rope.positive("partial_rotary_factor") : 1.0;
    if (fraction > 1) rope.refuse("partial_rotary_factor", "a number from 0 to 1");
    out.rotary_dim = static_cast<int64_t>(static_cast<double>(model.head_dim) * fraction);
    if (!architecture.block.partial_rotary && out.rotary_dim != model.head_dim) {
      rope.refuse("partial_rotary_factor", "1 (this architecture rotates whole heads)");
    }
  }
  const int64_t least = out.type == RopeType::kDynamic ? 4 : 2;
  if (out.rotary_dim < least || out.rotary_dim % 2 != 0) {
    fail("{}: head_dim {} gives {} rotary components, expected an even number of at least {}",
         config.file(), model.head_dim, out.rotary_dim, least);
  }
  if (out.type == RopeType::kLlama3 || out.type == RopeType::kYarn ||
      out.type == RopeType::kLongrope) {
    if (out.type != RopeType::kLongrope) longest(config);  // which transformers compares with
    out.original_max_position_embeddings =
        original_length(config, rope, architecture.block.rope_by_layer_type);
  }
  switch (out.type) {
    case RopeType::kDefault:
      break;
    case RopeType::kDynamic:
      out.max_position_embeddings = longest(config);
      out.factor = rope.positive("factor");
      break;
    case RopeType::kLinear:
      out.factor = rope.positive("factor");
      break;
    case RopeType::kLlama3:
      read_llama3(rope, out);
      break;
    case RopeType::kYarn:
      read_yarn(config, rope, out);
      break;
    case RopeType::kLongrope:
      read_longrope(config, rope, out);
      break;
  }
  return out;
}

}  // namespace qk
