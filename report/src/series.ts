// Rows of the tables in the shapes that the views draw. Values are looked up, sorted and averaged over
// heads; none is estimated.

import type { Shape, Table } from './data.ts';
import { extent, percentile, type Analysis, type Head, type HeadKey } from './report.ts';

const kValue = { ap_mean: NaN, ci_low: NaN, ci_high: NaN, documents: NaN };
export type Value = typeof kValue;  // of a curve

const kPoint = { q_bucket: NaN, position_from: NaN, position_to: NaN, ...kValue, queries: NaN, pairs: NaN };
const kDrift = { ...kPoint, drift_mean: NaN, drift_sd: NaN, drift_line: NaN };
export type Point = typeof kPoint;
export type Drift = typeof kDrift & { drift_low: number; drift_high: number };  // one deviation from the mean

// Those of the rows whose columns have these texts.
function where<S extends Shape>(table: Table | null, shape: S, texts: Record<string, string>,
                                rows?: number[]): S[] {
  const found = (rows ?? Array.from({ length: table?.rows ?? 0 }, (_, row) => row))
    .filter(row => Object.entries(texts).every(([name, text]) => table!.text(name, row) === text));
  return table?.records(shape, found) ?? [];
}

// The curve of a head over position; reach "": of all documents, else of those that reach that bucket.
export function positions(analysis: Analysis, key: HeadKey, method: string, reach = ''): Point[] {
  return where(analysis.table('positions'), kPoint, { method, reach }, analysis.rows('positions', key));
}

const kCell = { q_bucket: NaN, k_bucket: NaN, q_from: NaN, q_to: NaN, k_from: NaN, k_to: NaN, ap_bucket: NaN,
  ci_low: NaN, ci_high: NaN, documents: NaN, pairs: NaN, queries: NaN, note: '' };
export type Cell = typeof kCell;

// The cells of a head, of head_bucket_details.csv or else of head_bucket_plasticity.csv, which holds those
// of the first method alone.
export function cells(analysis: Analysis, key: HeadKey, method: string): Cell[] {
  const details = analysis.table('details');
  if (details) return where(details, kCell, { method }, analysis.rows('details', key));
  return method === analysis.methods[0] ? analysis.records('cells', kCell, key) : [];
}

// The queries of each bucket along beta. The first bucket has no earlier keys, so it has no row: its queries
// are those that are left of all, and what they are follows from the mean over all queries, which is 0.
export function drift(analysis: Analysis, head: Head): Drift[] {
  const withEnds = (row: typeof kDrift): Drift =>
    ({ ...row, drift_low: row.drift_mean - row.drift_sd, drift_high: row.drift_mean + row.drift_sd });
  const rows = where(analysis.table('positions'), kDrift, { method: analysis.methods[0], reach: '' },
    analysis.rows('positions', head.key)).filter(row => Number.isFinite(row.drift_mean)).map(withEnds);
  const all = analysis.table('heads')!.number('n_q_tokens', head.row);
  const queries = all - rows.reduce((sum, row) => sum + row.queries, 0);
  if (!(queries > 0 && rows[0]?.position_from > 0)) return rows;
  const left = (name: 'drift_mean' | 'drift_line') =>
    -rows.reduce((sum, row) => sum + row.queries * row[name], 0) / queries;
  const first = { q_bucket: rows[0].q_bucket - 1, position_from: 0, position_to: rows[0].position_from - 1 };
  const means = { drift_mean: left('drift_mean'), drift_line: left('drift_line') };
  return [withEnds({ ...kDrift, ...first, ...means, queries }), ...rows];
}

const kPair = { pair: NaN, first_component: NaN, second_component: NaN, wavelength: NaN, variance_share: NaN,
  position_share: NaN, turn_share: NaN, line_R2: NaN, bucket_R2: NaN, floor: NaN,
  added: NaN,        // what the pair adds to the head's position_share
  cumulative: NaN }; // that, added up from the shortest wavelength on

// RoPE pairs of a head by wavelength; `still`: what components that are not turned add. The head's
// bucket_R2 and floor are the sums of v b and of v f (v: variance_share of a pair), so its position_share,
// (bucket_R2 - floor) / (1 - floor), is the sum of v (b - f) / (1 - sum of v f).
export function spectrum(analysis: Analysis, head: Head) {
  const rows = analysis.records('rope_pairs', kPair, head.key);
  const total = (values: number[]) => values.reduce((sum, value) => sum + (value || 0), 0);
  const chance = total(rows.map(row => row.variance_share * row.floor));
  for (const row of rows) row.added = row.variance_share * (row.bucket_R2 - row.floor) / (1 - chance);
  const pairs = rows.filter(row => row.wavelength > 0).sort((a, b) => a.wavelength - b.wavelength);
  let sum = 0;
  for (const pair of pairs) pair.cumulative = sum += pair.added || 0;
  const still = rows.filter(row => !(row.wavelength > 0) && Number.isFinite(row.added));
  return { pairs, still: total(still.map(row => row.added)),
    stillVariance: total(still.map(row => row.variance_share)) };
}

const kMean = { ...kValue, heads: '', method: '', reach: '', bucket: NaN, center: NaN, from: NaN, to: NaN,
  num_heads: NaN };
export type Mean = typeof kMean;

// Rows of mean_curves.csv; curve: "position" or "distance".
export function meanCurve(analysis: Analysis, curve: string, method: string): Mean[] {
  return where(analysis.table('mean_curves'), kMean, { curve, method });
}

// The least and the largest of the values, with some room around.
export function roomy(values: Iterable<number>): [number, number] {
  const [low, high] = extent(values) ?? [0, 1], room = (high - low || 0.1) * 0.04;
  return [low - room, high + room];
}

// Some columns of a row, for the table behind a figure.
export function pick<T extends Shape>(row: T, ...names: (keyof T & string)[]): Shape {
  return Object.fromEntries(names.map(name => [name, row[name]]));
}

// By the interval of the slope over position at fixed distance, of all documents.
export function trend(analysis: Analysis, head: Head, method: string) {
  const [found] = where(analysis.table('trends'), { ci_low: NaN, ci_high: NaN },
    { trend: 'position', method, reach: '' }, analysis.rows('trends', head.key));
  if (!found || Number.isNaN(found.ci_low + found.ci_high)) return 'unknown';
  return found.ci_low > 0 ? 'rises' : found.ci_high < 0 ? 'falls' : 'flat';
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
  const sorted = [a, b].map(values => Float64Array.from(values).filter(Number.isFinite).sort());
  const n = Math.min(sorted[0].length, sorted[1].length, 101);
  return Array.from({ length: n }, (_, i) => n === 1 ? 0.5 : i / (n - 1))
    .map(share => ({ a: percentile(sorted[0], share), b: percentile(sorted[1], share) }));
}

// The histogram of values that are known by quantiles at even levels: each bin holds `each` of them.
export function quantileBins(quantiles: readonly number[], each: number) {
  const bins: { from: number; to: number; density: number }[] = [];
  for (let i = 0; i + each < quantiles.length; i += each) {
    const [from, to] = [quantiles[i], quantiles[i + each]];
    if (to > from) bins.push({ from, to, density: each / quantiles.length / (to - from) });
  }
  return bins;
}
