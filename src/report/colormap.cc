#include "report/colormap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string>

#include "base/error.h"
#include "base/nearest.h"

namespace qk {
namespace {

uint8_t hex_byte(const char* text) {
  uint8_t value = 0;
  const auto [end, error] = std::from_chars(text, text + 2, value, 16);
  QK_CHECK(error == std::errc() && end == text + 2);
  return value;
}

[[noreturn]] void refuse(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ColormapTable& table : std::span(kColormapTables, kNumColormaps)) {
    names.emplace_back(table.name);
  }
  fail("cmap: unknown colour map {}{} (known: {}; each also with _r, reversed)", printable(name),
       did_you_mean(name, names), fmt::join(names, ", "));
}

}  // namespace

Colormap::Colormap(std::string_view name) {
  const bool is_reversed = name.ends_with("_r");
  const std::string_view plain = is_reversed ? name.substr(0, name.size() - 2) : name;
  const std::span tables(kColormapTables, kNumColormaps);
  const auto table = std::find_if(tables.begin(), tables.end(),
                                  [&](const ColormapTable& each) { return each.name == plain; });
  if (table == tables.end()) refuse(name);
  for (size_t i = 0; i < colors_.size(); ++i) {
    const char* text = table->colors + 6 * i;
    colors_[i] = {hex_byte(text), hex_byte(text + 2), hex_byte(text + 4)};
  }
  if (is_reversed) std::reverse(colors_.begin(), colors_.end());
}

Rgb Colormap::at(double part) const {
  QK_CHECK(!std::isnan(part));
  const double last = static_cast<double>(colors_.size()) - 1;
  const double index = std::floor(std::clamp(part, 0.0, 1.0) * static_cast<double>(colors_.size()));
  return colors_[static_cast<size_t>(std::min(index, last))];
}

}  // namespace qk
