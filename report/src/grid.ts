// A grid of coloured cells with one tab stop: arrows, Home, End and the page keys move, Enter opens.

import { chart } from './chart.ts';
import { element, svgElement } from './dom.ts';
import type { Rows } from './export.ts';
import { colorBar, listenTo, type Part } from './parts.ts';
import type { Page } from './view.ts';

export interface GridCell extends Part {
  label: string;            // read by screen readers: what, and the value
  color: string | null;     // null: no value, hatched
  hatched?: boolean;        // few documents, or not sure
  mark?: boolean;           // a corner: a head with a window, for example
  off?: boolean;            // faded: not selected
}

export interface GridSpec {
  id: string;               // unique in the page; keeps the focus
  label: string; rowTitle: string; columnTitle: string;
  rows: string[]; columns: string[];
  scale?: { low: string; high: string; color(t: number): string };   // of the picture
  cell(row: number, column: number): GridCell | null;   // null: there is nothing
}

const kSteps: Record<string, readonly [down: number, right: number]> = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  PageUp: [-8, 0], PageDown: [8, 0], Home: [0, -1e6], End: [0, 1e6],
};

// The row and column that a key leads to. With Ctrl, Home is the first cell of all, End the last.
type Place = readonly [row: number, column: number];
export function moved(key: string, ctrl: boolean, [row, column]: Place, [rows, columns]: Place): Place {
  const [down, right] = kSteps[key];
  const within = (at: number, count: number) => Math.min(Math.max(at, 0), count - 1);
  const rowwise = ctrl && /^(Home|End)$/.test(key) ? right : down;
  return [within(row + rowwise, rows), within(column + right, columns)];
}

// Which of the labels are shown if at most `most` fit.
export function thinned(count: number, most: number): (index: number) => boolean {
  const step = [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100].find(n => count / n <= most) ?? 128;
  return index => index % step === 0;
}

// A grid as a figure, with the rows of the table behind it.
export function gridFigure(page: Page, title: string, spec: GridSpec, rows: () => Rows): HTMLElement {
  return chart(page, title, rows, room => grid(page, spec, room), () => gridPicture(spec));
}

function cellNode(cell: GridCell | null, row: number, column: number, nothing: string): HTMLTableCellElement {
  const { label = nothing, color, key, hatched, mark, off } = cell ?? {};
  const marks = { void: !cell, missing: color === null, hatched, mark, off };
  const names = Object.entries(marks).flatMap(([name, holds]) => (holds ? name : []));
  return element('td', { tabindex: -1, 'data-at': `${row} ${column}`, 'data-head': key, 'aria-label': label,
    class: names.join(' ') || null, '--fill': color });
}

// room: pixels for the whole grid; cells are 12 to 40 wide.
function grid(page: Page, spec: GridSpec, room: number): HTMLElement {
  const most = Math.max(...spec.columns.map(name => name.length), 1) * 7 + 6;   // pixels of a label
  const left = Math.floor((room - 110 - most / 2) / spec.columns.length) - 1;
  const wide = Math.max(12, Math.min(40, left));
  const shown = thinned(spec.columns.length, spec.columns.length * wide / most);
  const cells = spec.rows.map((_, row) => spec.columns.map((_, column) => spec.cell(row, column)));
  const nodes = cells.map((line, row) => {
    const end = line.reduce((last, cell, column) => (cell ? column + 1 : last), 0);
    // One for all that is empty at the end of a row, such as what lies right of the diagonal.
    const rest = cellNode(null, row, end, `${spec.rows[row]}: nothing more`);
    rest.colSpan = line.length - end;
    return line.map((cell, column) => (column < end
      ? cellNode(cell, row, column, `${spec.rows[row]}, ${spec.columns[column]}: nothing`) : rest));
  });
  const titles = spec.columns.map((name, i) =>
    element('th', { scope: 'col' }, element('span', { class: shown(i) ? null : 'hidden' }, name)));
  const corner = element('td', { class: 'corner' }, `${spec.rowTitle} \u2193 ${spec.columnTitle} \u2192`);
  const table = element('table', { role: 'grid', class: 'grid', id: spec.id, 'aria-label': spec.label,
    '--wide': `${wide}px` }, element('thead', {}, element('tr', {}, corner, ...titles)),
    element('tbody', {}, ...nodes.map((line, row) =>
      element('tr', {}, element('th', { scope: 'row' }, spec.rows[row]), ...line))));
  listen(page, table, cells, nodes);
  return element('div', { class: 'scroll', '--over': `${most / 2}px` }, table);   // of the last label
}

// Tooltips, the one tab stop, and keys.
function listen(page: Page, table: HTMLElement, cells: (GridCell | null)[][], nodes: HTMLElement[][]): void {
  let current = nodes[0]?.[0];
  if (current) current.tabIndex = 0;
  const at = (node: HTMLElement) => node.dataset.at!.split(' ').map(Number) as [number, number];
  listenTo(page, table, 'td[data-at]', node => {
    const [row, column] = at(node);
    return cells[row][column];
  }, kSteps, (_, event) => {
    const size = [cells.length, cells[0].length] as const;
    const [row, column] = moved(event.key, event.ctrlKey, at(event.target as HTMLElement), size);
    nodes[row][column].focus();
  });
  table.addEventListener('focusin', ({ target }) => {
    current.tabIndex = -1;
    current = target as HTMLElement;
    current.tabIndex = 0;
  });
}

// The cells as paths, one for those of a colour.
export function cellPaths({ rows, columns, cell }: GridSpec, wide: number, high: number): SVGElement[] {
  const areas = new Map<string, string>(), gap = wide > 5 ? 1 : 0;
  let hatch = '';
  rows.forEach((_, row) => columns.forEach((_, column) => {
    const { color, hatched, off } = cell(row, column) ?? {};
    if (color === undefined) return;
    const x = column * wide, y = row * high, right = x + wide - gap, bottom = y + high - gap;
    const key = `${color} ${off ? 0.25 : 1}`;
    if (color) areas.set(key, `${areas.get(key) ?? ''}M${x} ${y}H${right}V${bottom}H${x}Z`);
    if (hatched || !color) hatch += `M${x} ${bottom}L${right} ${y}`;
  }));
  return [...[...areas].map(([key, d]) => {
    const [fill, opacity] = key.split(' ');
    return svgElement('path', { d, fill, 'fill-opacity': opacity });
  }), svgElement('path', { d: hatch, stroke: 'currentColor', 'stroke-width': 0.8 })];
}

// The same grid as a picture, for export.
function gridPicture(spec: GridSpec): SVGSVGElement {
  const { label, scale, rows, columns } = spec;
  const size = Math.max(10, Math.min(24, 900 / columns.length)), left = 70, top = 40;
  const width = Math.max(320, left + columns.length * size + 30), bottom = top + rows.length * size;
  const height = bottom + (scale ? 34 : 10), fits = thinned(columns.length, columns.length * size / 26);
  const text = (x: number, y: number, content: string, anchor: string) =>
    svgElement('text', { x, y, 'text-anchor': anchor }, content);
  const ramp = scale && [text(left - 6, bottom + 23, scale.low, 'end'),
    ...colorBar(scale.color, left, bottom + 14), text(left + 150, bottom + 23, scale.high, 'start')];
  return svgElement('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'font-size': 10,
    fill: 'currentColor', role: 'img', 'aria-label': label },
  text(4, 14, `${label} (${spec.rowTitle} down, ${spec.columnTitle} across)`, 'start'),
  ...columns.map((name, i) => fits(i) && text(left + (i + 0.5) * size, top - 5, name, 'middle')),
  ...rows.map((name, row) => text(left - 6, top + (row + 0.7) * size, name, 'end')),
  svgElement('g', { transform: `translate(${left} ${top})` }, ...cellPaths(spec, size, size)), ...ramp ?? []);
}
