// What the views of curves share: words, axes, series, and bars of documents.

import { bars, figure, lines } from './chart.ts';
import type { Axis, Bar, FigureSpec, Layer, Series } from './chart.ts';
import type { Shape } from './data.ts';
import type { Rows } from './export.ts';
import figures from './figures.json' with { type: 'json' };
import { count, exact, short } from './format.ts';
import { remark } from './parts.ts';
import remarks from './remarks.json' with { type: 'json' };
import { extent, kFewDocuments, type Analysis } from './report.ts';
import { average, pick, type Point, type Value } from './series.ts';
import tips from './tips.json' with { type: 'json' };
import type { Page } from './view.ts';

type Remark = keyof typeof remarks;
type Kind = keyof typeof tips;

// A remark of remarks.json, and what belongs to these data.
export const sentences = (name: Remark) => remarks[name].replace('{few}', String(kFewDocuments));
export const say = (name: Remark, ...more: unknown[]) => remark(joined(' ', sentences(name), ...more));
export const joined = (by: string, ...parts: unknown[]) => parts.filter(Boolean).join(by);

// "{q_head}" is a number as in the file, "{center~}" one of four digits, "{queries query queries}" one with
// its noun. Of the texts between bars, the first of which no part is missing; else nothing.
export function filled(texts: string, row: Shape): string {
  for (const text of texts.split('|')) {
    let isWhole = true;
    const words = text.replace(/\{(\w+)(~?) ?(\w*) ?(\w*)\}/g, (_, name, rough, one, many) => {
      const value = row[name];
      if (value === '' || value === undefined || Number.isNaN(value)) isWhole = false;
      if (typeof value !== 'number') return value;
      return one ? count(value, one, many || undefined) : rough ? short(value) : exact(value);
    });
    if (isWhole) return words;
  }
  return '';
}

const isFew = (documents: number) => documents < kFewDocuments;

// The tooltip of a row: its lines in tips.json.
export const tip = (kind: Kind, row: Shape) => tips[kind].lines.map(line => filled(line, row));

type Own = Omit<Partial<Series>, 'y'> & { name: string; style: number; y?: string };

// The columns of rows that tips.json names as a series, dotted where few documents are behind them.
export function curve(kind: Kind, rows: readonly Shape[], own: Own) {
  const { x, y, low, high }: { x: string[]; y: string; low?: string; high?: string } = tips[kind];
  const column = (name: string) => rows.map(row => row[name] as number);
  return { width: 2, low: low && column(low), high: high && column(high), ...own, y: column(own.y ?? y),
    x: rows.map(row => average(x.map(name => row[name] as number))), thin: column('documents').map(isFew),
    lines: (i: number) => [own.name, ...tip(kind, rows[i])] } as Series & { lines(i: number): string[] };
}

type Special = Partial<Omit<FigureSpec, 'x' | 'y'>> & { x?: Partial<Axis>; y?: Partial<Axis> };

// Lines with the words of figures.json; `special`: what depends on these data; `under`: beneath the lines.
export function curveFigure(page: Page, name: keyof typeof figures, series: Series[], rows: () => Rows,
                            { x, y, ...special }: Special = {}, title: string = name, ...under: Layer[]) {
  const words = figures[name];
  const spec = { ...words, ...special, x: { label: words.x, ...x }, y: { label: words.y, ...y } };
  return figure(page, title, spec as FigureSpec, [...under, lines(page, series)], rows);
}

export const isLog = ({ record }: Analysis) => record.buckets?.type === 'log';
export const ends = (points: Point[]) => points.flatMap(point => [point.position_from, point.position_to]);
export const headsText = (heads: string) => (heads === 'all' ? 'all heads' : heads.replaceAll('_', ' '));

// From the first of the positions to behind the last one; a log axis begins at 1.
export function positionAxis(analysis: Analysis, positions: Iterable<number>): Axis {
  const log = isLog(analysis), limits = extent(positions);
  return { label: 'position of the query (tokens)', log,
    domain: limits && [log ? Math.max(limits[0], 1) : limits[0], limits[1] + 1] };
}

// How many documents stand behind each of the points of a curve. `columns`: of the table.
export function documentBars<P extends Value>(page: Page, kind: Kind, title: string, x: Axis, points: P[],
    columns: (keyof P & string)[], place: (point: P) => Pick<Bar, 'from' | 'to'>): HTMLElement {
  const all = points.map(point => {
    const { from, to } = place(point), value = point.documents;
    return { from: x.log ? Math.max(from, 1) : from, to, value, hollow: isFew(value),
      lines: () => tip(kind, point) };
  });
  return figure(page, title, { label: title, height: 120, x, y: { label: 'documents' } }, [bars(page, all)],
    () => points.map(point => pick(point, ...columns, 'documents')));
}
