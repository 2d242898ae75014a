#!/usr/bin/env python3
"""Draws docs/layers.svg: the folders of src/, bottom to top, with an arrow from each folder to each
folder in the DEPS of its qk_module() call in CMakeLists.txt.
  tools/draw_layers.py          writes the drawing
  tools/draw_layers.py --check  exit code 1 if the drawing in docs/ is out of date"""

import html
import sys

from check_layers import ROOT, declared_dependencies

DRAWING = ROOT / "docs" / "layers.svg"
BOX_HEIGHT = 30
LEVEL_HEIGHT = 92
GAP = 22  # between boxes, and between a box and an arrow that passes it
ARROW_GAP = 14  # between two arrows that pass a level side by side
MARGIN = 12
SWEEPS = 40


def levels(deps):
    """Folder -> its level: one above the highest folder that it depends on, 0 without any."""
    found = {}

    def level(folder):
        if folder not in found:
            found[folder] = 1 + max(map(level, deps[folder]), default=-1)
        return found[folder]

    for folder in deps:
        level(folder)
    return found


class Layout:
    """Points in levels. A point is a folder's name, or (from, to, level) where an arrow passes a
    level; every link connects points of neighbouring levels."""

    def __init__(self, deps):
        self.level_of = levels(deps)
        self.rows = [[] for _ in range(1 + max(self.level_of.values()))]
        self.links = []  # (upper point, lower point)
        self.paths = {}  # (from, to) -> its points, top to bottom
        for folder, level in self.level_of.items():
            self.rows[level].append(folder)
        for folder, targets in deps.items():
            for target in targets:
                self.add_arrow(folder, target)
        self.order_rows()
        self.x = self.place()

    def width(self, point):
        """Of a folder's box: room for its name and for the arrows at either side."""
        if not isinstance(point, str):
            return 0
        arrows = max(sum(arrow[side] == point for arrow in self.paths) for side in (0, 1))
        return max(8 * len(point) + 26, 13 * (arrows + 1))

    def distance(self, left, right):
        both_pass = not isinstance(left, str) and not isinstance(right, str)
        return (self.width(left) + self.width(right)) / 2 + (ARROW_GAP if both_pass else GAP)

    def add_arrow(self, folder, target):
        between = range(self.level_of[folder] - 1, self.level_of[target], -1)
        points = [folder, *((folder, target, level) for level in between), target]
        for level, point in zip(between, points[1:-1]):
            self.rows[level].append(point)
        self.links += list(zip(points, points[1:]))
        self.paths[folder, target] = points

    def neighbours(self, side):
        """Point -> points of the level below (side 0) or above (side 1)."""
        found = {point: [] for row in self.rows for point in row}
        for link in self.links:
            found[link[side]].append(link[1 - side])
        return found

    def crossings(self):
        place = {point: i for row in self.rows for i, point in enumerate(row)}
        level = {point: i for i, row in enumerate(self.rows) for point in row}
        count = 0
        for i, (upper, lower) in enumerate(self.links):
            for upper_2, lower_2 in self.links[:i]:
                if level[upper] == level[upper_2]:
                    count += (place[upper] - place[upper_2]) * (place[lower] - place[lower_2]) < 0
        return count

    def order_rows(self):
        """Sorts each level by the mean place of its points' neighbours, up and down in turn; keeps
        the order with the fewest crossings."""
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for sweep in range(SWEEPS):
            below = sweep % 2 == 0
            near = self.neighbours(0 if below else 1)
            for index in range(len(self.rows)) if below else reversed(range(len(self.rows))):
                other = index - 1 if below else index + 1
                if not 0 <= other < len(self.rows):
                    continue
                place = {point: i for i, point in enumerate(self.rows[other])}
                own = {point: i for i, point in enumerate(self.rows[index])}

                def key(point, place=place, own=own, near=near):
                    places = [place[p] for p in near[point]]
                    return sum(places) / len(places) if places else own[point]

                self.rows[index].sort(key=key)
            count = self.crossings()
            if count < fewest:
                best, fewest = [list(row) for row in self.rows], count
        self.rows = best

    def place(self):
        """Point -> x of its centre: as near to its neighbours as the distances allow."""
        x = {}
        for row in self.rows:
            at = 0.0
            for i, point in enumerate(row):
                at += self.distance(row[i - 1], point) if i else 0
                x[point] = at
        below, above = self.neighbours(0), self.neighbours(1)
        for sweep in range(SWEEPS):
            for row in self.rows if sweep % 2 == 0 else reversed(self.rows):
                wanted = []
                for point in row:
                    near = below[point] + above[point]
                    wanted.append(sum(x[p] for p in near) / len(near) if near else x[point])
                x.update(zip(row, self.spread(row, wanted)))
        left = min(x[p] - self.width(p) / 2 for p in x)
        return {point: round(value - left) + MARGIN for point, value in x.items()}

    def spread(self, row, wanted):
        """The places nearest to the wanted ones (least squares) that keep order and distances."""
        offsets = [0.0]
        for left, right in zip(row, row[1:]):
            offsets.append(offsets[-1] + self.distance(left, right))
        groups = []  # [sum of wanted places, number], in ascending order of the mean
        for place, offset in zip(wanted, offsets):
            groups.append([place - offset, 1])
            while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
                total, number = groups.pop()
                groups[-1][0] += total
                groups[-1][1] += number
        means = [total / number for total, number in groups for _ in range(number)]
        return [mean + offset for mean, offset in zip(means, offsets)]


def ports(layout, side):
    """(arrow -> x) where arrows leave (side 0) or meet (side -1) their boxes, evenly spread."""
    found = {}
    for folder in layout.level_of:
        arrows = [arrow for arrow in layout.paths if arrow[side] == folder]
        nearest = 1 if side == 0 else -2  # the point next to the box
        arrows.sort(key=lambda arrow: layout.x[layout.paths[arrow][nearest]])
        for i, arrow in enumerate(arrows):
            part = (i + 1) / (len(arrows) + 1) - 0.5
            found[arrow] = round(layout.x[folder] + part * layout.width(folder))
    return found


def arrow_path(points):
    """A smooth line through the points that is vertical in each of them."""
    x, y = points[0]
    text = f"M{x},{y}"
    for next_x, next_y in points[1:]:
        middle = (y + next_y) // 2
        text += f" C{x},{middle} {next_x},{middle} {next_x},{next_y}"
        x, y = next_x, next_y
    return text


def drawing(deps):
    layout = Layout(deps)
    top = len(layout.rows) - 1
    y = {point: MARGIN + (top - level) * LEVEL_HEIGHT
         for level, row in enumerate(layout.rows) for point in row}
    right = max(layout.x[p] + layout.width(p) / 2 for p in layout.x)
    size = (round(right) + MARGIN, 2 * MARGIN + top * LEVEL_HEIGHT + BOX_HEIGHT)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}" role="img">',
        "<title>The folders of src/ and what each may include</title>",
        "<!-- Written by tools/draw_layers.py. -->",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto">',
        '<path d="M0,0.5 8,4 0,7.5z" fill="#768390"/></marker></defs>',
        '<g fill="none" stroke="#768390" stroke-width="1.3">',
    ]
    starts, ends = ports(layout, 0), ports(layout, -1)
    for arrow, path in layout.paths.items():
        points = [(starts[arrow], y[path[0]] + BOX_HEIGHT)]
        for point in path[1:-1]:  # straight past the boxes of its level
            points += [(layout.x[point], y[point]), (layout.x[point], y[point] + BOX_HEIGHT)]
        points.append((ends[arrow], y[path[-1]] - 1))
        lines.append(f'<path d="{arrow_path(points)}" marker-end="url(#head)"/>')
    lines.append('</g><g fill="#eef2f6" stroke="#57606a">')
    for folder in deps:
        width = layout.width(folder)
        lines.append(f'<rect x="{round(layout.x[folder] - width / 2)}" y="{y[folder]}" '
                     f'width="{width}" height="{BOX_HEIGHT}" rx="5"/>')
    lines.append('</g><g fill="#1f2328" font-family="sans-serif" font-size="14" '
                 'text-anchor="middle">')
    for folder in deps:
        name = html.escape(folder)
        lines.append(f'<text x="{layout.x[folder]}" y="{y[folder] + 20}">{name}</text>')
    lines.append("</g></svg>")
    return "\n".join(lines) + "\n"


def main():
    svg = drawing(declared_dependencies((ROOT / "CMakeLists.txt").read_text()))
    if sys.argv[1:] == ["--check"]:
        if not DRAWING.exists() or DRAWING.read_text() != svg:
            print(f"{DRAWING.relative_to(ROOT)} is out of date: run tools/draw_layers.py")
            return 1
        print(f"{DRAWING.relative_to(ROOT)}: up to date")
        return 0
    DRAWING.write_text(svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
