#include "plasticity/plasticity_method.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/nearest.h"
#include "plasticity/bucket_law.h"
#include "plasticity/bucket_pairs.h"
#include "plasticity/counted_pairs.h"
#include "plasticity/diagonal_law.h"
#include "plasticity/linear_law.h"
#include "plasticity/method_replicates.h"
#include "plasticity/online_method.h"

namespace qk {
namespace {

PlasticityResult measure_linear(const PlasticityInput& input) {
  if (input.options.covariance == Covariance::kFull) {
    LinearFullLaw law(input.queries, input.fit);
    return measure_bucket_pairs(input, law);
  }
  constexpr double kReferenceFloor = 1e-12;
  DiagonalLaw law(input.fit, input.options.compat_reference ? kReferenceFloor : 0);
  return measure_bucket_pairs(input, law);
}

PlasticityResult measure_buckets(const PlasticityInput& input) {
  BucketLaw law(input.queries, input.options.method_options.min_queries);
  return measure_bucket_pairs(input, law);
}

constexpr std::array<PlasticityMethod, 4> kMethods = {{
    {"bucket", "mean and full covariance of the queries of each bucket", true, measure_buckets,
     bucket_replicates},
    {"counted", "no distribution: the share of a bucket's queries that prefer the first key", true,
     measure_counted, counted_replicates},
    {"linear", "the original's: the mean follows position in a straight line", true, measure_linear,
     linear_replicates},
    {"online", "mean and full covariance with exponential forgetting, local key pairs", false,
     measure_online, online_replicates},
}};

}  // namespace

std::span<const PlasticityMethod> plasticity_methods() { return kMethods; }

const PlasticityMethod& find_method(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PlasticityMethod& method : kMethods) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  fail("method: expected {}, found {}{}", one_of(names), printable(name),
       did_you_mean(name, names));
}

}  // namespace qk
