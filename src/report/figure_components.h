// How much of the information about position each component of the queries holds: a bar for each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/figure_drawing.h"
#include "report/figure_tables.h"

namespace qk {

// The weights of each component, components increasing, aggregated over the heads. `limit`: only
// components below it. Throws Error if that leaves none.
std::vector<std::pair<int64_t, double>> component_weights(std::span<const ComponentRow> rows,
                                                          Aggregate kind,
                                                          std::optional<int64_t> limit);

struct ComponentsOptions {
  std::string title = "Average positional information by component";
  std::string ylabel = "Share of positional information";
  std::string caption;  // which heads; empty: all
};

// REQUIRES: weights is not empty.
Figure components_figure(std::span<const std::pair<int64_t, double>> weights,
                         const ComponentsOptions& options);

}  // namespace qk
