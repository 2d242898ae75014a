// Points of the plane: where they lie on the screen, and which one is nearest to the pointer.

export interface Frame {  // from values to CSS pixels; one scale for both axes
  left: number; top: number; width: number; height: number;
  x0: number; y0: number; scale: number;
}

// The frame that shows all points, with a margin of one part in twenty.
export function frame(xs: ArrayLike<number>, ys: ArrayLike<number>, box: {
  left: number; top: number; width: number; height: number;
}): Frame {
  let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
  for (let i = 0; i < xs.length; ++i) {
    const x = xs[i], y = ys[i];
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  if (!(x1 >= x0)) [x0, x1, y0, y1] = [-1, 1, -1, 1];
  const w = x1 - x0 || 1, h = y1 - y0 || 1;
  const scale = Math.min(box.width / (1.1 * w), box.height / (1.1 * h));
  return { ...box, scale, x0: (x0 + x1) / 2 - box.width / 2 / scale,
    y0: (y0 + y1) / 2 - box.height / 2 / scale };
}

export const toX = (f: Frame, x: number): number => f.left + (x - f.x0) * f.scale;
export const toY = (f: Frame, y: number): number => f.top + f.height - (y - f.y0) * f.scale;

// Cells of `size` pixels; the points of cell c are order[start[c] .. start[c + 1]].
export interface HitGrid { columns: number; rows: number; size: number; start: Uint32Array;
  order: Uint32Array; px: Float32Array; py: Float32Array }

export function hitGrid(px: Float32Array, py: Float32Array, width: number, height: number,
    size = 12): HitGrid {
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

// The point nearest to (x, y), at most `size` pixels away; -1: none. Points in `hidden` are passed over.
export function nearest(grid: HitGrid, x: number, y: number, hidden?: (i: number) => boolean): number {
  const column = Math.floor(x / grid.size), row = Math.floor(y / grid.size);
  let found = -1, least = grid.size * grid.size;
  for (let r = Math.max(0, row - 1); r <= Math.min(grid.rows - 1, row + 1); ++r)
    for (let c = Math.max(0, column - 1); c <= Math.min(grid.columns - 1, column + 1); ++c)
      for (let k = grid.start[c + r * grid.columns]; k < grid.start[c + r * grid.columns + 1]; ++k) {
        const i = grid.order[k];
        const d = (grid.px[i] - x) ** 2 + (grid.py[i] - y) ** 2;
        if (d <= least && !hidden?.(i)) [found, least] = [i, d];
      }
  return found;
}

// Round tick values that cover [from, to], about `count` of them.
export function niceTicks(from: number, to: number, count = 5): number[] {
  if (!(to > from)) return Number.isFinite(from) ? [from] : [];
  const raw = (to - from) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const out: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9) + 0; i * step <= to + step * 1e-9; ++i) out.push(i * step);
  return out;
}
