// A grid of coloured cells with one tab stop: arrows, Home, End and the page keys move, Enter opens.

import { chart } from './chart.ts';
import { element, svgElement } from './dom.ts';
import type { Rows } from './export.ts';
import type { HeadKey } from './report.ts';
import type { Page } from './view.ts';

export interface GridCell {
  label: string;            // read by screen readers: what, and the value
  color: string | null;     // null: no value, hatched
  hatched?: boolean;        // few documents, or not sure
  mark?: boolean;           // a corner: a head with a window, for example
  off?: boolean;            // faded: not selected
  key?: HeadKey;
  lines(): string[];        // of the tooltip
}

export interface GridSpec {
  id: string;               // unique in the page; keeps the focus
  label: string;
  rowTitle: string;
  columnTitle: string;
  rows: string[];
  columns: string[];
  room?: number;            // pixels for the whole grid; cells are 12 to 40 wide
  scale?: { low: string; high: string; color(t: number): string };   // of the picture
  cell(row: number, column: number): GridCell | null;   // null: there is nothing
  open?(row: number, column: number, event: MouseEvent | KeyboardEvent): void;
}

const kSteps: Record<string, [number, number]> = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  PageUp: [-8, 0], PageDown: [8, 0], Home: [0, -1e6], End: [0, 1e6],
};

// The row and column that a key leads to. With Ctrl, Home is the first cell of all, End the last.
export function moved(key: string, ctrl: boolean, [row, column]: readonly [number, number],
                      [rows, columns]: readonly [number, number]): [number, number] {
  const [down, right] = kSteps[key];
  const within = (at: number, count: number) => Math.min(Math.max(at, 0), count - 1);
  return [within(row + (ctrl && /^(Home|End)$/.test(key) ? right : down), rows), within(column + right, columns)];
}

// Which of the labels are shown if at most `most` fit.
export function thinned(count: number, most: number): (index: number) => boolean {
  const step = [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100].find(n => count / n <= most) ?? 128;
  return index => index % step === 0;
}

interface Place { node: HTMLTableCellElement; cell: GridCell | null }

function drawCell(cell: GridCell | null, row: number, column: number, nothing: string): Place {
  const marks = cell && [cell.color === null && 'missing', cell.hatched && 'hatched', cell.mark && 'mark', cell.off && 'off'];
  const node = element('td', { tabindex: -1, 'data-at': `${row} ${column}`, 'data-head': cell?.key,
    'aria-label': cell?.label ?? nothing, class: marks ? marks.filter(Boolean).join(' ') || null : 'void' });
  if (cell?.color) node.style.backgroundColor = cell.color;
  return { node, cell };
}

// A grid as a figure, with the rows of the table behind it.
export function gridFigure(page: Page, title: string, spec: GridSpec, rows: () => Rows): HTMLElement {
  return chart(page, title, rows, room => grid(page, { ...spec, room }), () => gridPicture(spec));
}

export function grid(page: Page, spec: GridSpec): HTMLElement {
  const wide = Math.max(12, Math.min(40, Math.floor(((spec.room ?? 900) - 110) / spec.columns.length) - 1));
  const most = Math.max(...spec.columns.map(name => name.length), 1) * 7 + 6;
  const shown = thinned(spec.columns.length, spec.columns.length * wide / most);
  const places = spec.rows.map((name, row) => spec.columns.map((title, column) =>
    drawCell(spec.cell(row, column), row, column, `${name}, ${title}: nothing`)));
  const titles = spec.columns.map((name, i) =>
    element('th', { scope: 'col' }, element('span', { class: shown(i) ? null : 'hidden' }, name)));
  const corner = element('td', { class: 'corner' }, `${spec.rowTitle} \u2193 ${spec.columnTitle} \u2192`);
  const table = element('table', { role: 'grid', class: 'grid', id: spec.id, 'aria-label': spec.label, '--wide': `${wide}px` },
    element('thead', {}, element('tr', {}, corner, ...titles)),
    element('tbody', {}, ...places.map((line, row) =>
      element('tr', {}, element('th', { scope: 'row' }, spec.rows[row]), ...line.map(place => place.node)))));
  listen(page, spec, table, places);
  return element('div', { class: 'scroll' }, table);
}

// Tooltips, the one tab stop, and keys.
function listen(page: Page, spec: GridSpec, table: HTMLElement, places: Place[][]): void {
  let current: HTMLElement | null = places[0]?.[0]?.node ?? null;
  if (current) current.tabIndex = 0;
  const find = (event: Event) => {
    const node = (event.target as Element).closest<HTMLElement>('td[data-at]');
    if (!node) return null;
    const [row, column] = node.dataset.at!.split(' ').map(Number);
    return { row, column, ...places[row][column] };
  };
  const show = (event: Event) => {
    const found = find(event);
    if (!found?.cell) return page.tip(null);
    const box = found.node.getBoundingClientRect();
    page.hover(found.cell.key ?? null);
    page.tip(found.cell.lines(), { x: box.right, y: box.bottom });
  };
  const hide = () => { page.tip(null); page.hover(null); };
  const open = (event: MouseEvent | KeyboardEvent) => {
    const found = find(event);
    if (found?.cell) spec.open?.(found.row, found.column, event);
  };
  table.addEventListener('pointerover', show);
  table.addEventListener('pointerleave', hide);
  table.addEventListener('focusin', event => {
    if (current) current.tabIndex = -1;
    current = event.target as HTMLElement;
    current.tabIndex = 0;
    show(event);
  });
  table.addEventListener('focusout', hide);
  table.addEventListener('click', open);
  table.addEventListener('keydown', event => {
    const found = find(event);
    if (!found || !(event.key === 'Enter' || kSteps[event.key])) return;
    event.preventDefault();
    if (event.key === 'Enter') return open(event);
    const size: [number, number] = [places.length, spec.columns.length];
    const [row, column] = moved(event.key, event.ctrlKey, [found.row, found.column], size);
    places[row][column].node.focus();
  });
}

// The same grid as a picture, for export.
export function gridPicture(spec: GridSpec): SVGSVGElement {
  const size = Math.max(10, Math.min(24, 900 / spec.columns.length));
  const left = 70, top = 40;
  const width = Math.max(320, left + spec.columns.length * size + 10), bottom = top + spec.rows.length * size;
  const height = bottom + (spec.scale ? 34 : 10);
  const picture = svgElement('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'font-size': 10,
    fill: 'currentColor', role: 'img', 'aria-label': spec.label });
  const text = (x: number, y: number, content: string, anchor: string) =>
    picture.append(svgElement('text', { x, y, 'text-anchor': anchor }, content));
  if (spec.scale) {
    text(left - 6, bottom + 23, spec.scale.low, 'end');
    for (let i = 0; i < 40; ++i) {
      const fill = spec.scale.color((i + 0.5) / 40);
      picture.append(svgElement('rect', { x: left + 4 * i, y: bottom + 14, width: 4.2, height: 11, fill }));
    }
    text(left + 166, bottom + 23, spec.scale.high, 'start');
  }
  text(4, 14, `${spec.label} (${spec.rowTitle} down, ${spec.columnTitle} across)`, 'start');
  const fits = thinned(spec.columns.length, spec.columns.length * size / 26);
  spec.columns.forEach((name, i) => { if (fits(i)) text(left + (i + 0.5) * size, top - 5, name, 'middle'); });
  spec.rows.forEach((name, row) => {
    text(left - 6, top + (row + 0.7) * size, name, 'end');
    spec.columns.forEach((_, column) => {
      const cell = spec.cell(row, column);
      if (!cell) return;
      const x = left + column * size, y = top + row * size, edge = size - 1;
      picture.append(svgElement('rect', { x, y, width: edge, height: edge,
        fill: cell.color ?? 'none', stroke: cell.color ? 'none' : 'currentColor' }));
      if (!cell.color || cell.hatched) picture.append(svgElement('path', { stroke: 'currentColor', 'stroke-width': 0.8,
        d: `M${x} ${y + edge}L${x + edge} ${y}M${x} ${y + edge / 2}L${x + edge / 2} ${y}M${x + edge / 2} ${y + edge}L${x + edge} ${y + edge / 2}` }));
    });
  });
  return picture;
}
