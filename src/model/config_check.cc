#include "base/error.h"
#include "model/config_normalise.h"

namespace qk {
namespace {

bool is_null(const ConfigObject& config, std::string_view key) {
  return config.present(key) && !config.given(key);
}

void check_head_dim(const ConfigObject& config, HeadDimRule rule) {
  constexpr std::string_view kExpected = "an integer";
  switch (rule) {
    case HeadDimRule::kMayBeNull:
      break;
    case HeadDimRule::kRequired:
      if (!config.given("head_dim")) config.refuse("head_dim", kExpected);
      break;
    case HeadDimRule::kNotNull:
    case HeadDimRule::kDerived:
      if (is_null(config, "head_dim")) config.refuse("head_dim", kExpected);
      break;
  }
}

}  // namespace

void check_config_json(const ConfigObject& decoder, const Architecture& architecture) {
  if (decoder.present("is_causal") && decoder.json().at("is_causal") != true) {
    decoder.refuse("is_causal",
                   "true (versions of transformers differ in what another value does)");
  }
  if (decoder.given("text_config")) {
    decoder.refuse("text_config", "nothing beside the keys of a decoder at the top");
  }
  check_head_dim(decoder, architecture.head_dim);
  if (!architecture.null_key_value_heads && is_null(decoder, "num_key_value_heads")) {
    decoder.refuse("num_key_value_heads", "an integer");
  }
  if (architecture.block.window_required && is_null(decoder, "sliding_window")) {
    decoder.refuse("sliding_window", "an integer");
  }
}

}  // namespace qk
