// Colour maps: matplotlib's, of 256 colours each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

namespace qk {

struct Rgb {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
  bool operator==(const Rgb&) const = default;
};

class Colormap {
 public:
  // By matplotlib's name: viridis, magma, inferno, plasma, cividis, turbo, coolwarm, RdBu, Blues,
  // Greens, Reds, Greys or gray; reversed with the suffix "_r". Throws Error for another name.
  explicit Colormap(std::string_view name);

  // Entry floor(256 part), the last one for 1. `part` outside [0, 1] gives the nearer end.
  // REQUIRES: part is not NaN.
  Rgb at(double part) const;
  std::vector<Rgb> colors() const { return {colors_.begin(), colors_.end()}; }

 private:
  std::array<Rgb, 256> colors_;
};

struct ColormapTable {
  const char* name;
  const char* colors;  // 256 times RRGGBB
};
extern const ColormapTable kColormapTables[];
extern const size_t kNumColormaps;

}  // namespace qk
