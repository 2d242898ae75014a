// Well-known models that are not supported, for messages.
#pragma once

#include <string_view>

namespace qk {

struct UnsupportedModel {
  std::string_view model_type;
  std::string_view title;   // as people write it
  std::string_view reason;  // why it is more than a data file away; empty if it is not
};

// Null if the model_type is in no list of ours.
const UnsupportedModel* find_unsupported_model(std::string_view model_type);

}  // namespace qk
