// Rows of the tables in the shapes that the views draw. Values are looked up, sorted and averaged over
// heads; none is estimated.

import type { Shape } from './data.ts';
import { extent, finite, percentile, type Analysis, type Head, type HeadKey } from './report.ts';

const kValue = { ap_mean: NaN, ci_low: NaN, ci_high: NaN, documents: NaN };
const kPoint = { q_bucket: NaN, position_from: NaN, position_to: NaN, ...kValue, queries: NaN, pairs: NaN };
export type Value = typeof kValue;  // of a curve
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
export function pick<T extends Shape>(row: T, ...names: (keyof T & string)[]): Shape {
  return Object.fromEntries(names.map(name => [name, row[name]]));
}

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
