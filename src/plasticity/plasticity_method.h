// The methods by which plasticity is estimated. A method is one file that measures, one file with
// its replicates, and one line in plasticity_method.cc.
#pragma once

#include <span>
#include <string_view>

#include "plasticity/method_replicates.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/plasticity_replicates.h"

namespace qk {

struct PlasticityMethod {
  std::string_view name;         // as in the configuration
  std::string_view description;  // one line for --help
  bool is_bucket_wise;  // judges the key pairs of for_each_bucket_pair(), as others that do
  PlasticityResult (*measure)(const PlasticityInput& input);
  PlasticityReplicates (*replicates)(const ReplicateInput& input);  // of ap_overall
};

std::span<const PlasticityMethod> plasticity_methods();

// Throws Error naming the nearest method and all of them.
const PlasticityMethod& find_method(std::string_view name);

}  // namespace qk
