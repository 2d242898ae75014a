// Points of the plane: the part of it that is shown, and which point is nearest to the pointer.

import { rgb } from './color.ts';

export interface Limits { x: [number, number]; y: [number, number] }

// What is shown on width by height pixels: all points, with a margin of one part in twenty, and one
// scale for both axes.
export function squareLimits(xs: ArrayLike<number>, ys: ArrayLike<number>, width: number, height: number): Limits {
  const ends = (values: ArrayLike<number>): [number, number] => {
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < values.length; ++i) [low, high] = [Math.min(low, values[i]), Math.max(high, values[i])];
    return low <= high ? [low, high] : [-1, 1];
  };
  const [x0, x1] = ends(xs), [y0, y1] = ends(ys);
  const unit = 1.1 * Math.max((x1 - x0) / width, (y1 - y0) / height, 1e-9) / 2;  // of half a pixel
  const around = (low: number, high: number, size: number): [number, number] => [(low + high) / 2 - unit * size, (low + high) / 2 + unit * size];
  return { x: around(x0, x1, width), y: around(y0, y1, height) };
}

// Cells of `size` pixels; the points of cell c are order[start[c] .. start[c + 1]].
export interface HitGrid { columns: number; rows: number; size: number; start: Uint32Array;
  order: Uint32Array; px: Float32Array; py: Float32Array }

export function hitGrid(px: Float32Array, py: Float32Array, width: number, height: number, size = 12): HitGrid {
  const columns = Math.max(1, Math.ceil(width / size)), rows = Math.max(1, Math.ceil(height / size));
  const cell = (i: number): number =>
    Math.min(columns - 1, Math.max(0, Math.floor(px[i] / size))) +
    columns * Math.min(rows - 1, Math.max(0, Math.floor(py[i] / size)));
  const start = new Uint32Array(columns * rows + 1);
  for (let i = 0; i < px.length; ++i) ++start[cell(i) + 1];
  for (let c = 0; c < columns * rows; ++c) start[c + 1] += start[c];
  const next = start.slice(), order = new Uint32Array(px.length);
  for (let i = 0; i < px.length; ++i) order[next[cell(i)]++] = i;
  return { columns, rows, size, start, order, px, py };
}

// The point nearest to (x, y), at most `size` pixels away; -1: none.
export function nearest(grid: HitGrid, x: number, y: number): number {
  const column = Math.floor(x / grid.size), row = Math.floor(y / grid.size);
  let found = -1, least = grid.size * grid.size;
  for (let r = Math.max(0, row - 1); r <= Math.min(grid.rows - 1, row + 1); ++r)
    for (let c = Math.max(0, column - 1); c <= Math.min(grid.columns - 1, column + 1); ++c)
      for (let k = grid.start[c + r * grid.columns]; k < grid.start[c + r * grid.columns + 1]; ++k) {
        const i = grid.order[k], d = (grid.px[i] - x) ** 2 + (grid.py[i] - y) ** 2;
        if (d <= least) [found, least] = [i, d];
      }
  return found;
}

// Writes pixels, which is far quicker than drawing shapes without a graphics card. Queries are
// squares, keys are crosses.
//   px, py  CSS pixels, of which each is `dots` pixels of the image wide
//   color   #rrggbb
export function drawPoints(image: { data: Uint8ClampedArray; width: number; height: number }, dots: number, px: Float32Array, py: Float32Array,
                           queries: number, color: (i: number) => string): void {
  const { width, height } = image, pixels = new Uint32Array(image.data.buffer);
  const inks = new Map<string, number>();
  const far = 3 * dots;
  for (let i = 0; i < px.length; ++i) {
    const hex = color(i), x = Math.round(px[i] * dots), y = Math.round(py[i] * dots);
    if (!inks.has(hex)) inks.set(hex, rgb(hex).reduceRight((sum, part) => sum * 256 + part, 255));
    if (!(x >= far && y >= far && x < width - far && y < height - far)) continue;
    const ink = inks.get(hex)!, from = y * width + x;
    const row = (down: number, left: number, length: number) => pixels.fill(ink, from + down * width + left, from + down * width + left + length);
    if (i < queries) for (let r = 0; r < 3 * dots; ++r) row(r - dots, -dots, 3 * dots);
    else for (let r = -far; r < far + dots; ++r) row(r, r < 0 || r >= dots ? 0 : -far, r < 0 || r >= dots ? dots : 2 * far + dots);
  }
}
