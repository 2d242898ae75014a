// What the views of curves share: words, axes, series, and bars of documents.

import { barFigure, lineFigure, type Axis, type FigureSpec, type Series } from './chart.ts';
import type { Rows } from './export.ts';
import figures from './figures.json' with { type: 'json' };
import { count, exact, grouped } from './format.ts';
import { remark } from './parts.ts';
import remarks from './remarks.json' with { type: 'json' };
import { extent, kFewDocuments, type Analysis } from './report.ts';
import { pick, type Mean, type Point, type Value } from './series.ts';
import type { Page } from './view.ts';

type Remark = keyof typeof remarks;

// A remark of remarks.json, and what belongs to these data.
export const sentences = (name: Remark) => remarks[name].replace('{few}', String(kFewDocuments));
export const say = (name: Remark, ...more: unknown[]) => remark(joined(' ', sentences(name), ...more));
export const joined = (by: string, ...parts: unknown[]) => parts.filter(Boolean).join(by);

type Special = Partial<Omit<FigureSpec, 'x' | 'y'>> & { x?: Partial<Axis>; y?: Partial<Axis> };

// Lines with the words of figures.json; `special`: what depends on these data.
export function curveFigure(page: Page, title: keyof typeof figures, series: Series[], rows: () => Rows,
                            special: Special = {}): HTMLElement {
  const { x, y, ...usual } = figures[title];
  const spec = { ...usual, ...special, x: { label: x, ...special.x }, y: { label: y, ...special.y } };
  return lineFigure(page, title, spec as FigureSpec, series, rows);
}

export const middle = (point: Point) => (point.position_from + point.position_to) / 2;
export const range = (from: number, to: number) => `positions ${grouped(from)} to ${grouped(to)}`;
export const isLog = (analysis: Analysis) => analysis.record?.buckets?.type === 'log';
export const ends = (points: Point[]) => points.flatMap(point => [point.position_from, point.position_to]);

// From the first of the positions to behind the last one; a log axis begins at 1.
export function positionAxis(analysis: Analysis, positions: Iterable<number>): Axis {
  const log = isLog(analysis), limits = extent(positions);
  return { label: 'position of the query (tokens)', log,
    domain: limits && [log ? Math.max(limits[0], 1) : limits[0], limits[1] + 1] };
}

export function intervalLine(of: { ci_low: number; ci_high: number; note?: string }): string {
  if (Number.isNaN(of.ci_low)) return of.note ? `no interval: ${of.note}` : 'no interval';
  return `interval ${exact(of.ci_low)} to ${exact(of.ci_high)}`;
}

export const documentsText = (documents: number) => (documents >= 0 ? count(documents, 'document') : '');
const valueLines = (point: Value) =>
  [`plasticity ${exact(point.ap_mean)}`, intervalLine(point), documentsText(point.documents)];

// Dotted where few documents are behind the points. `lines`: of the tooltip of a point, beside its value.
export function curve<P extends Value>(name: string, style: number, points: P[], x: (point: P) => number,
                                       lines: (point: P) => string[]): Series {
  return { name, style, width: 2, x: points.map(x), y: points.map(point => point.ap_mean),
    low: points.map(point => point.ci_low), high: points.map(point => point.ci_high),
    thin: points.map(point => point.documents < kFewDocuments),
    lines: i => [name, ...lines(points[i]), ...valueLines(points[i])] };
}

// Of a head, over position.
export function headCurve(name: string, style: number, points: Point[]): Series {
  return curve(name, style, points, middle, point => [range(point.position_from, point.position_to),
    `${count(point.queries, 'query', 'queries')}, ${count(point.pairs, 'pair')}`]);
}

export const headsText = (heads: string) => (heads === 'all' ? 'all heads' : heads.replaceAll('_', ' '));

// Of mean_curves.csv.
export function meanSeries(name: string, style: number, points: Mean[], x: (point: Mean) => number,
                           where: (point: Mean) => string): Series {
  return { ...curve(name, style, points, x, point =>
    [`mean over ${count(point.num_heads, 'head')}`, where(point)]), width: 3 };
}

// How many documents stand behind each of the points of a curve. `columns`: of the table.
export function documentBars<P extends Value>(page: Page, title: string, x: Axis, points: P[],
    columns: (keyof P & string)[], place: (point: P) => { from: number; to: number; lines: string[] }) {
  const bars = points.map(point => {
    const { from, to, lines } = place(point), value = point.documents;
    return { from: x.log ? Math.max(from, 1) : from, to, value, hollow: value < kFewDocuments,
      lines: [...lines, documentsText(value)] };
  });
  return barFigure(page, title, { label: title, height: 120, x, y: { label: 'documents' } }, bars,
    () => points.map(point => pick(point, ...columns, 'documents')));
}
