#include "plasticity/plasticity_method.h"

#include <array>
#include <string>

#include "base/error.h"
#include "base/nearest.h"
#include "plasticity/bucket_pairs.h"
#include "plasticity/diagonal_law.h"

namespace qk {
namespace {

PlasticityResult measure_linear(const PlasticityInput& input) {
  constexpr double kReferenceFloor = 1e-12;
  DiagonalLaw law(input.fit, input.config.compat_reference ? kReferenceFloor : 0);
  return measure_bucket_pairs(input, law);
}

constexpr std::array<PlasticityMethod, 1> kMethods = {
    {{"linear", "the original's: the mean follows position in a straight line", measure_linear}}};

}  // namespace

std::span<const PlasticityMethod> plasticity_methods() { return kMethods; }

const PlasticityMethod& find_method(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PlasticityMethod& method : kMethods) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  const auto near = nearest(name, names);
  fail("method: expected {}, found {}{}", fmt::join(names, ", "), printable(name),
       near ? fmt::format(", did you mean {}?", *near) : "");
}

}  // namespace qk
