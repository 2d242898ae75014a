// What the views of curves share: rows of the tables in the shapes that they draw, words, axes, series, and
// bars of documents. Values are looked up, sorted and averaged over heads; none is estimated.

import { bars, figure, lines } from './chart.ts';
import type { Axis, Bar, FigureSpec, Layer, Series } from './chart.ts';
import type { Shape } from './data.ts';
import type { Rows } from './export.ts';
import figures from './figures.json' with { type: 'json' };
import { count, exact, short } from './format.ts';
import { remark } from './parts.ts';
import remarks from './remarks.json' with { type: 'json' };
import { extent, finite, kFewDocuments, percentile } from './report.ts';
import type { Analysis, Head, HeadKey } from './report.ts';
import tips from './tips.json' with { type: 'json' };
import type { Page } from './view.ts';

const kValue = { ap_mean: NaN, ci_low: NaN, ci_high: NaN, documents: NaN };
const kPoint = { q_bucket: NaN, position_from: NaN, position_to: NaN, ...kValue, queries: NaN, pairs: NaN };
type Value = typeof kValue;  // of a curve
export type Point = typeof kPoint;

// The curve of a head over position; reach "": of all documents, else of those that reach that bucket.
export const positions = (analysis: Analysis, key: HeadKey, method: string, reach = ''): Point[] =>
  analysis.records('positions', kPoint, key, { method, reach });

const kMean = { ...kValue, heads: '', method: '', reach: '', bucket: NaN, center: NaN, from: NaN, to: NaN,
  num_heads: NaN };
export type Mean = typeof kMean;

// Rows of mean_curves.csv; curve: "position" or "distance".
export const meanCurve = (analysis: Analysis, curve: string, method: string): Mean[] =>
  analysis.records('mean_curves', kMean, undefined, { curve, method });

// The least and the largest of the values, with some room around.
export function roomy(values: Iterable<number>): [number, number] {
  const [low, high] = extent(values) ?? [0, 1], room = (high - low || 0.1) * 0.04;
  return [low - room, high + room];
}

// Some columns of a row, for the table behind a figure.
export const pick = <T extends Shape>(row: T, ...names: (keyof T & string)[]): Shape =>
  Object.fromEntries(names.map(name => [name, row[name]]));

// Mean absolute difference between two heads of a layer: of those that share a key head, and of others.
export function spread(heads: readonly Head[], values: ArrayLike<number>) {
  const mean = (isShared: boolean) => average(heads.flatMap((one, i) => heads.slice(0, i)
    .filter(({ k }) => isShared === (k === one.k)).map(two => Math.abs(values[two.row] - values[one.row]))));
  return { within: mean(true), between: mean(false) };
}

// Of those that are numbers; NaN: there are none.
export function average(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

// Heads by layer, or by key head, ascending.
export function groupedBy(heads: readonly Head[], by: 'layer' | 'k'): Map<number, Head[]> {
  const keys = [...new Set(heads.map(head => head[by]))].sort((a, b) => a - b);
  return new Map(keys.map(key => [key, heads.filter(head => head[by] === key)]));
}

// Quantiles of both at the same levels, as many as the smaller one has values, at most 101.
export function quantilePairs(a: ArrayLike<number>, b: ArrayLike<number>): { a: number; b: number }[] {
  const [of_a, of_b] = [finite(a), finite(b)], n = Math.min(of_a.length, of_b.length, 101);
  return Array.from({ length: n }, (_, i) => n === 1 ? 0.5 : i / (n - 1))
    .map(share => ({ a: percentile(of_a, share), b: percentile(of_b, share) }));
}

// The histogram of values that are known by quantiles at even levels: each bin holds `each` of them.
export function quantileBins(quantiles: readonly number[], each: number) {
  const edges = quantiles.filter((_, i) => i % each === 0), share = each / quantiles.length;
  return edges.slice(1).map((to, i) => ({ from: edges[i], to, density: share / (to - edges[i]) }))
    .filter(bin => bin.to > bin.from);
}

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
  const spec = { label: title, height: 120, x, y: { label: 'documents' } };
  return figure(page, title, spec, [bars(page, all, x.log)],
    () => points.map(point => pick(point, ...columns, 'documents')));
}
