#include "report/figure_components.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace qk {
namespace {

constexpr Rgb kBar = {0x1f, 0x77, 0xb4};
constexpr double kBarWidth = 0.8;
constexpr double kComponentMargin = 0.05;  // of the bars' extent, on both sides

// One for every component; of those that would touch, the round ones stay.
std::vector<Tick> component_ticks(std::span<const std::pair<int64_t, double>> weights) {
  std::vector<Tick> out;
  for (const auto& [component, weight] : weights) {
    out.push_back({static_cast<double>(component), std::to_string(component), component});
  }
  return out;
}

}  // namespace

std::vector<std::pair<int64_t, double>> component_weights(std::span<const ComponentRow> rows,
                                                          Aggregate kind,
                                                          std::optional<int64_t> limit) {
  std::map<int64_t, std::vector<double>> by_component;
  for (const ComponentRow& row : rows) {
    if (limit && row.component >= *limit) continue;
    by_component[row.component].push_back(row.weight);
  }
  if (by_component.empty()) fail("limit: no component is below {}", limit.value_or(0));
  std::vector<std::pair<int64_t, double>> out;
  out.reserve(by_component.size());
  for (auto& [component, weights] : by_component) {
    out.emplace_back(component, aggregate(std::move(weights), kind));
  }
  return out;
}

Figure components_figure(std::span<const std::pair<int64_t, double>> weights,
                         const ComponentsOptions& options) {
  QK_CHECK(!weights.empty());
  Figure figure;
  figure.width_in = 10;
  figure.height_in = 4;
  figure.title = options.title;
  double largest = 0;
  double smallest = 0;
  for (const auto& [component, weight] : weights) {
    figure.bars.push_back({static_cast<double>(component), kBarWidth, weight, kBar});
    largest = std::max(largest, weight);
    smallest = std::min(smallest, weight);
  }
  const double low = static_cast<double>(weights.front().first) - kBarWidth / 2;
  const double high = static_cast<double>(weights.back().first) + kBarWidth / 2;
  const double margin = kComponentMargin * (high - low);
  figure.x = {"Component index", low - margin, high + margin, false, component_ticks(weights)};
  figure.y = {options.ylabel, 1.1 * smallest, std::max(0.01, 1.1 * largest), true, {}};
  if (!options.caption.empty()) figure.caption = "Only " + options.caption + ".";
  return figure;
}

}  // namespace qk
