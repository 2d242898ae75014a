// Rows of the tables in the shapes that the views draw. Values are looked up, sorted and averaged
// over heads; none is estimated.

import type { Analysis, Head, Point, Report } from './report.ts';
import { percentile } from './report.ts';

export interface Drift {  // a bucket's queries along beta, and where the fitted line is
  bucket: number; from: number; to: number; middle: number;
  mean: number; sd: number; line: number;
  apart: number;  // (mean - line) / sd
  queries: number; documents: number;
}

// The line has the slope |beta| and passes through 0 at the mean position of the queries, which is
// taken from the middles of the buckets. The first bucket has no earlier keys, so it has no row: its
// queries are those that are left of all, and its mean follows from the mean over all, which is 0.
export function drift(analysis: Analysis, head: Head, points: Point[]): Drift[] {
  const table = analysis.table('positions'), heads = analysis.table('heads');
  if (!table || !heads || points.length === 0) return [];
  const slope = heads.number('q_beta_norm', head.row);
  const rows = points.map(point => ({ bucket: point.bucket, from: point.from, to: point.to,
    middle: (point.from + point.to) / 2, mean: table.number('drift_mean', point.row),
    sd: table.number('drift_sd', point.row), line: NaN, apart: NaN,
    queries: point.queries, documents: point.documents }));
  const used = rows.filter(row => row.queries > 0 && Number.isFinite(row.mean));
  const first = heads.number('n_q_tokens', head.row) - used.reduce((sum, row) => sum + row.queries, 0);
  if (first > 0 && used.length > 0 && used[0].from > 0) {
    used.unshift({ bucket: used[0].bucket - 1, from: 0, to: used[0].from - 1, middle: (used[0].from - 1) / 2,
      mean: -used.reduce((sum, row) => sum + row.queries * row.mean, 0) / first, sd: NaN, line: NaN,
      apart: NaN, queries: first, documents: NaN });
  }
  const all = used.reduce((sum, row) => sum + row.queries, 0);
  const center = used.reduce((sum, row) => sum + row.queries * row.middle, 0) / all;
  for (const row of used) {
    row.line = slope * (row.middle - center);
    row.apart = (row.mean - row.line) / row.sd;
  }
  return used;
}

export interface Pair {
  pair: number; first: number; second: number; wavelength: number;
  variance: number; share: number; line: number; turn: number;
  added: number;       // what the pair adds to the head's position_share
  cumulative: number;  // that, added up from the shortest wavelength on
}

export interface Spectrum { pairs: Pair[]; still: number; stillVariance: number }

// RoPE pairs of a head by wavelength; `still`: what components that are not turned add. The head's
// bucket_R2 and floor are the sums of v b and of v f (v: variance_share of a pair), so its position_share,
// (bucket_R2 - floor) / (1 - floor), is the sum of v (b - f) / (1 - sum of v f).
export function spectrum(analysis: Analysis, head: Head): Spectrum {
  const table = analysis.table('rope_pairs');
  const pairs: Pair[] = [];
  let still = 0, stillVariance = 0;
  const at = (name: string, row: number) => table!.number(name, row);
  const chance = (table ? analysis.rows('rope_pairs', head.key) : []).map(row => at('variance_share', row) * at('floor', row))
    .filter(Number.isFinite).reduce((sum, value) => sum + value, 0);
  for (const row of table ? analysis.rows('rope_pairs', head.key) : []) {
    const variance = table!.number('variance_share', row), share = table!.number('position_share', row);
    const added = variance * (at('bucket_R2', row) - at('floor', row)) / (1 - chance);
    if (Number.isFinite(table!.number('pair', row)) && table!.number('wavelength', row) > 0) {
      pairs.push({ pair: table!.number('pair', row), first: table!.number('first_component', row),
        second: table!.number('second_component', row), wavelength: table!.number('wavelength', row),
        variance, share, line: table!.number('line_R2', row), turn: table!.number('turn_share', row),
        added, cumulative: 0 });
    } else if (Number.isFinite(added)) {
      still += added;
      stillVariance += variance;
    }
  }
  pairs.sort((a, b) => a.wavelength - b.wavelength);
  let sum = 0;
  for (const pair of pairs) {
    if (Number.isFinite(pair.added)) sum += pair.added;
    pair.cumulative = sum;
  }
  return { pairs, still, stillVariance };
}

export interface MeanPoint {
  heads: string; method: string; reach: string; bucket: number; center: number; from: number; to: number;
  count: number; documents: number; value: number; low: number; high: number;
}

// Rows of mean_curves.csv; curve: "position" or "distance".
export function meanCurve(analysis: Analysis, curve: string, method: string): MeanPoint[] {
  const table = analysis.table('mean_curves');
  const found: MeanPoint[] = [];
  for (let row = 0; table && row < table.rows; ++row) {
    if (table.text('curve', row) !== curve || table.text('method', row) !== method) continue;
    found.push({ heads: table.text('heads', row), method, reach: table.text('reach', row),
      bucket: table.number('bucket', row), center: table.number('center', row),
      from: table.number('from', row), to: table.number('to', row),
      count: table.number('num_heads', row), documents: table.number('documents', row),
      value: table.number('ap_mean', row), low: table.number('ci_low', row), high: table.number('ci_high', row) });
  }
  return found;
}

// From the first position of the points to behind the last one; a log axis begins at 1.
export function span(points: readonly { from: number; to: number }[], log: boolean): [number, number] | undefined {
  const low = points.reduce((least, point) => Math.min(least, point.from), Infinity);
  const high = points.reduce((most, point) => Math.max(most, point.to), -Infinity);
  return low <= high ? [log ? Math.max(low, 1) : low, high + 1] : undefined;
}

export type Trend = 'rises' | 'falls' | 'flat' | 'unknown';

// By the interval of the slope over position at fixed distance, of all documents.
export function trend(analysis: Analysis, head: Head, method: string): Trend {
  const table = analysis.table('trends');
  const row = analysis.rows('trends', head.key).find(at => table!.text('trend', at) === 'position' &&
    table!.text('method', at) === method && table!.text('reach', at) === '');
  if (row === undefined) return 'unknown';
  const low = table!.number('ci_low', row), high = table!.number('ci_high', row);
  if (Number.isNaN(low) || Number.isNaN(high)) return 'unknown';
  return low > 0 ? 'rises' : high < 0 ? 'falls' : 'flat';
}

// Mean absolute difference between two heads of a layer: of those that share a key head, and of others.
export function spread(heads: readonly Head[], values: ArrayLike<number>): { within: number; between: number } {
  const sum = { within: 0, between: 0 }, pairs = { within: 0, between: 0 };
  heads.forEach((one, i) => heads.slice(0, i).forEach(other => {
    const difference = Math.abs(values[one.row] - values[other.row]);
    const kind = one.k === other.k ? 'within' : 'between';
    if (Number.isNaN(difference)) return;
    sum[kind] += difference;
    ++pairs[kind];
  }));
  return { within: sum.within / pairs.within, between: sum.between / pairs.between };
}

// Heads by layer, or by key head, ascending.
export function groupedBy(heads: readonly Head[], by: 'layer' | 'k'): Map<number, Head[]> {
  const found = new Map<number, Head[]>();
  for (const head of [...heads].sort((a, b) => a[by] - b[by])) found.set(head[by], [...found.get(head[by]) ?? [], head]);
  return found;
}

export interface Difference {
  key: string; layer: number; q: number; a: number; b: number; value: number;
  low: number; high: number; p: number; significant: boolean; note: string;
}

// Rows of compare.csv of a metric.
export function differences(report: Report, metric: string): Difference[] {
  const table = report.compare;
  const found: Difference[] = [];
  for (let row = 0; table && row < table.rows; ++row) {
    if (table.text('metric', row) !== metric) continue;
    const layer = table.number('layer', row), q = table.number('q_head', row);
    found.push({ key: `${layer}.${q}`, layer, q, a: table.number('a', row), b: table.number('b', row),
      value: table.number('difference', row), low: table.number('ci_low', row), high: table.number('ci_high', row),
      p: table.number('p_value', row), significant: table.text('significant', row) === 'true',
      note: table.text('note', row) });
  }
  return found;
}

// The settings of which two analyses differ, those that decide no number (folder, version) apart.
export function whatDiffer(comparison: any): { several: boolean; settings: string; notes: string } {
  const found: { what: string; group: string; a: unknown; b: unknown }[] = comparison?.differs ?? [];
  const value = (any: unknown) => (typeof any === 'string' ? any : JSON.stringify(any) ?? 'unknown');
  const text = (notes: boolean) => found.filter(({ group }) => (group === 'notes') === notes)
    .map(({ what, a, b }) => `${what}: A ${value(a)}, B ${value(b)}`).join('; ');
  return { several: comparison?.several === true, settings: text(false), notes: text(true) };
}

// Unsure: the interval holds 0, or there is none. Where nothing at all differs, nothing is unsure.
export const unsure = (d: Difference): boolean => !(d.low > 0 || d.high < 0) && !(d.low === 0 && d.high === 0);

// Quantiles of both at the same levels, as many as the smaller one has values, at most 101.
export function quantilePairs(a: ArrayLike<number>, b: ArrayLike<number>): [number, number][] {
  const sorted = [a, b].map(values => Float64Array.from(values).filter(Number.isFinite).sort());
  const n = Math.min(sorted[0].length, sorted[1].length, 101);
  return Array.from({ length: n }, (_, i) => n === 1 ? 0.5 : i / (n - 1))
    .map(share => [percentile(sorted[0], share), percentile(sorted[1], share)]);
}
