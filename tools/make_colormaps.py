#!/usr/bin/env python3
"""Writes src/report/colormap_tables.cc: matplotlib's colour maps as 256 colours of 8 bits each.

usage: make_colormaps.py OUTPUT    (needs matplotlib; the stored file was made with 3.11.2)"""

import sys

import matplotlib.pyplot as plt

NAMES = ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "coolwarm", "RdBu", "Blues",
         "Greens", "Reds", "Greys", "gray"]
HEAD = """// Made by tools/make_colormaps.py: matplotlib's tables, 256 colours as RRGGBB. viridis, magma, inferno
// and plasma (Nathaniel Smith, Stefan van der Walt) and cividis (Nunez, Anderton, Renslow) are CC0;
// turbo (Google) is Apache-2.0; RdBu, Blues, Greens, Reds and Greys are Cynthia Brewer's,
// Apache-style, third_party/licenses/ColorBrewer.txt; coolwarm is Kenneth Moreland's.
#include "report/colormap.h"

namespace qk {

const ColormapTable kColormapTables[] = {
"""


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(HEAD)
        for name in NAMES:
            colors = plt.get_cmap(name, 256)(range(256))
            text = "".join(f"{round(value * 255):02x}" for row in colors for value in row[:3])
            out.write(f'    {{"{name}",\n')
            lines = [text[i:i + 90] for i in range(0, len(text), 90)]
            out.write("\n".join(f'     "{line}"' for line in lines))
            out.write("},\n")
        out.write("};\nconst size_t kNumColormaps = std::size(kColormapTables);\n\n}  // namespace qk\n")


if __name__ == "__main__":
    main()
