// What the views of curves share: axes, series and bars of documents.

import { barFigure, type Axis, type Series } from './chart.ts';
import { count, exact, grouped } from './format.ts';
import { remark } from './parts.ts';
import remarks from './remarks.json' with { type: 'json' };
import { kFewDocuments, type Analysis } from './report.ts';
import { extent, pick, type Mean, type Point, type Value } from './series.ts';
import type { Page } from './view.ts';

// A remark of remarks.json, and what belongs to these data.
export const sentences = (name: keyof typeof remarks) => remarks[name].replace('{few}', String(kFewDocuments));
export const say = (name: keyof typeof remarks, ...more: unknown[]) =>
  remark([sentences(name), ...more].filter(Boolean).join(' '));

export const middle = (point: Point) => (point.position_from + point.position_to) / 2;
export const range = (from: number, to: number) => `positions ${grouped(from)} to ${grouped(to)}`;
export const isLog = (analysis: Analysis) => analysis.record?.buckets?.type === 'log';

// From the first of the positions to behind the last one; a log axis begins at 1.
export function positionAxis(analysis: Analysis, positions: Iterable<number>): Axis {
  const log = isLog(analysis), [low, high] = extent(positions);
  const domain: [number, number] = [log ? Math.max(low, 1) : low, high + 1];
  return { label: 'position of the query (tokens)', log, domain: low <= high ? domain : undefined };
}

export const ends = (points: Point[]) => points.flatMap(point => [point.position_from, point.position_to]);

export function intervalLine({ ci_low, ci_high, note = '' }: { ci_low: number; ci_high: number; note?: string }): string {
  if (Number.isNaN(ci_low)) return note ? `no interval: ${note}` : 'no interval';
  return `interval ${exact(ci_low)} to ${exact(ci_high)}`;
}

// Dotted where few documents are behind the points. `lines`: what the tooltip says of a point beside its value.
function curve<P extends Value>(name: string, style: number, points: P[], x: (point: P) => number,
                                lines: (point: P) => string[]): Series {
  const column = (of: 'ap_mean' | 'ci_low' | 'ci_high') => points.map(point => point[of]);
  return { name, style, x: points.map(x), y: column('ap_mean'), low: column('ci_low'), high: column('ci_high'),
    thin: points.map(point => point.documents < kFewDocuments),
    lines: i => [name, ...lines(points[i]), `plasticity ${exact(points[i].ap_mean)}`, intervalLine(points[i]),
      count(points[i].documents, 'document')] };
}

// Of a head, over position.
export function headCurve(name: string, style: number, points: Point[]): Series {
  return curve(name, style, points, middle, point => [range(point.position_from, point.position_to),
    `${count(point.queries, 'query', 'queries')}, ${count(point.pairs, 'pair')}`]);
}

// Of mean_curves.csv.
export function meanSeries(name: string, style: number, points: Mean[], x: (point: Mean) => number,
                           where: (point: Mean) => string): Series {
  return { ...curve(name, style, points, x, point => [`mean over ${count(point.num_heads, 'head')}`, where(point)]), width: 3 };
}

export const headsText = (heads: string) => (heads === 'all' ? 'all heads' : heads.replaceAll('_', ' '));

// How many documents stand behind each of the points of a curve. `columns`: of the table, beside the documents.
export function documentBars<P extends Value>(page: Page, title: string, x: Axis, points: P[],
    columns: (keyof P & string)[], place: (point: P) => { from: number; to: number; lines: string[] }): HTMLElement {
  const bars = points.map(point => {
    const { from, to, lines } = place(point), { documents } = point;
    return { from: x.log ? Math.max(from, 1) : from, to, value: documents, hollow: documents < kFewDocuments,
      lines: [...lines, count(documents, 'document')] };
  });
  return barFigure(page, title, { label: title, height: 120, x, y: { label: 'documents' } }, bars,
    () => points.map(point => pick(point, ...columns, 'documents')));
}
