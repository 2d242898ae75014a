import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report, type Analysis } from '../src/report.ts';
import { positionAxis } from '../src/curves.ts';
import { cells, drift, meanCurve, quantileBins, quantilePairs, roomy, spectrum, spread, trend } from '../src/series.ts';
import { unsure, whatDiffer } from '../src/views/compare.ts';
import { container, encodeColumn } from './encode.ts';
import { parse } from '../src/data.ts';

type Rows = Record<string, (string | number)[]>;

function report(tables: Record<string, Rows>): Report {
  const encoded = Object.fromEntries(Object.entries(tables).map(([name, columns]) => [name, {
    rows: Object.values(columns)[0].length,
    columns: Object.fromEntries(Object.entries(columns).map(([key, cells]) => [key, encodeColumn(cells.map(String), true)])),
  }]));
  return new Report(parse(container({ analyses: [{ name: 'a' }], title: '' }, encoded)));
}

const kHeads: Rows = { layer: [0, 0, 0, 0], q_head: [0, 1, 2, 3], k_head: [0, 0, 1, 1], n_q_tokens: [30, 30, 30, 30],
  q_beta_norm: [0.5, 0.5, 0.5, 0.5], ap_overall: [0.1, 0.2, 0.5, 0.9] };
const analysis = (tables: Record<string, Rows>): Analysis => report({ '0/heads': kHeads, ...tables }).analyses[0];

test('the axis of positions reaches over all of them, whichever curve they are of', () => {
  const found = analysis({});
  assert.deepEqual(positionAxis(found, [16, 31, 0, 15, 32, 63]).domain, [0, 64]);
  found.record.buckets = { type: 'log' };
  assert.deepEqual(positionAxis(found, [16, 31, 0, 15, 32, 63]).domain, [1, 64]);
  assert.equal(positionAxis(found, []).domain, undefined);
});

test('limits of numbers have room around', () => {
  assert.deepEqual(roomy([0, NaN, 25]), [-1, 26]);
  assert.deepEqual(roomy([NaN]), [-0.04, 1.04]);
});

test('bins of quantiles hold equal shares', () => {
  assert.deepEqual(quantileBins([0, 1, 2, 4, 8], 2), [{ from: 0, to: 2, density: 0.2 }, { from: 2, to: 8, density: 2 / 5 / 6 }]);
  assert.deepEqual(quantileBins([1, 1, 1], 1), []);
});

test('spread: pairs of a group, and pairs of different groups', () => {
  const { heads } = analysis({});
  const { within, between } = spread(heads, [0.1, 0.2, 0.5, 0.9]);
  assert.ok(Math.abs(within - (0.1 + 0.4) / 2) < 1e-12);
  assert.ok(Math.abs(between - (0.4 + 0.8 + 0.3 + 0.7) / 4) < 1e-12);
  assert.ok(Number.isNaN(spread(heads.slice(0, 1), [0.1]).within));
});

test('drift: the first bucket follows from the others', () => {
  // 10 queries in each of the buckets 0 to 9, 10 to 19, 20 to 29.
  const found = analysis({ '0/positions': { layer: [0, 0], q_head: [0, 0], method: ['', ''], reach: ['', ''], q_bucket: [1, 2],
    position_from: [10, 20], position_to: [19, 29], queries: [10, 10], documents: [9, 3], ap_mean: [0.5, 0.5],
    drift_mean: [0, 6], drift_sd: [1, 2], drift_line: [0, 5] } });
  const rows = drift(found, found.heads[0]);
  assert.deepEqual(rows.map(row => [row.position_from, row.position_to, row.queries]), [[0, 9, 10], [10, 19, 10], [20, 29, 10]]);
  assert.deepEqual(rows.map(row => row.drift_line), [-5, 0, 5]);
  assert.deepEqual(rows.map(row => row.drift_mean), [-6, 0, 6]);
});

test('spectrum: by wavelength, added up, what RoPE leaves alone apart', () => {
  const found = analysis({ '0/rope_pairs': { layer: [0, 0, 0], q_head: [0, 0, 0], pair: [1, 0, ''], first_component: [1, 0, 4], second_component: [3, 2, ''],
    wavelength: [100, 6, ''], variance_share: [0.25, 0.5, 0.25], position_share: [0.5, 0, 1], bucket_R2: [0.75, 0.5, 0.5], floor: [0.5, 0.5, 0], line_R2: [0, 0, 0], turn_share: [0, 0, ''] } });
  const { pairs, still, stillVariance } = spectrum(found, found.heads[0]);
  assert.deepEqual(pairs.map(pair => [pair.pair, pair.wavelength, pair.cumulative]), [[0, 6, 0], [1, 100, 0.1]]);
  assert.deepEqual([still, stillVariance], [0.2, 0.25]);
  const bucketR2 = 0.25 * 0.75 + 0.5 * 0.5 + 0.25 * 0.5, floor = 0.25 * 0.5 + 0.5 * 0.5;
  assert.ok(Math.abs(pairs[1].cumulative + still - (bucketR2 - floor) / (1 - floor)) < 1e-12);
});

test('cells without head_bucket_details.csv are those of the first method alone', () => {
  const found = analysis({ '0/positions': { layer: [0], q_head: [0], method: ['m'] },
    '0/cells': { layer: [0], q_head: [0], q_bucket: [1], k_bucket: [0], ap_bucket: [0.5] } });
  assert.deepEqual(cells(found, '0.0', found.methods[0]).map(cell => cell.ap_bucket), [0.5]);
  assert.deepEqual(cells(found, '0.0', 'another'), []);
});

test('trend: by the interval of the slope over position, of one method', () => {
  const found = analysis({ '0/trends': { layer: [0, 0, 0, 0, 0], q_head: [0, 1, 2, 3, 0], method: ['m', 'm', 'm', 'm', 'n'], trend: Array(5).fill('position'), reach: Array(5).fill(''),
    slope: [1, -1, 0, 2, -1], ci_low: [0.5, -2, -1, '', -3], ci_high: [2, -0.5, 1, '', -2], unit: Array(5).fill('u') } });
  assert.deepEqual(found.heads.map(head => trend(found, head, 'm')), ['rises', 'falls', 'flat', 'unknown']);
  assert.deepEqual(found.heads.map(head => trend(found, head, 'n')), ['falls', 'unknown', 'unknown', 'unknown']);
});

test('mean curves: of one curve and method', () => {
  const found = analysis({ '0/mean_curves': { curve: ['position', 'distance', 'position'], heads: ['all', 'all', 'all'], method: ['m', 'm', 'n'], reach: ['', '', ''],
    bucket: [1, 1, 1], center: [15, 10, 15], from: [10, '', 10], to: [19, '', 19], num_heads: [4, 4, 4], documents: [5, 5, 5], ap_mean: [0.5, 0.6, 0.7], ci_low: ['', '', ''], ci_high: ['', '', ''] } });
  assert.deepEqual(meanCurve(found, 'position', 'm').map(point => point.ap_mean), [0.5]);
  assert.deepEqual(meanCurve(found, 'distance', 'm').map(point => point.center), [10]);
});

test('a difference is sure if its interval lies on one side of 0, or if nothing differs', () => {
  const sure = ([ci_low, ci_high]: number[]) => !unsure({ ci_low, ci_high });
  assert.deepEqual([[0.5, 2], [-2, -0.5], [0, 0], [-1, 1], [NaN, NaN]].map(sure), [true, true, true, false, false]);
});

test('what differs: folders and versions stand apart', () => {
  const differs = [{ what: 'model', group: 'model', a: 'x', b: 'y' }, { what: 'dataset', group: 'notes', a: 'one', b: 'two' },
    { what: 'layers', group: 'heads', a: 2, b: null }];
  assert.equal(whatDiffer({ differs }, false), 'model: A x, B y; layers: A 2, B null');
  assert.equal(whatDiffer({ differs }, true), 'dataset: A one, B two');
  assert.equal(whatDiffer(null, false), '');
});

test('quantiles of two sides at the same levels', () => {
  assert.deepEqual(quantilePairs([3, 1, 2], [10, 30, 20, 25, 15]), [{ a: 1, b: 10 }, { a: 2, b: 20 }, { a: 3, b: 30 }]);
  assert.deepEqual(quantilePairs([], [1]), []);
});

test('an empty report has nothing to draw, and says so by empty lists', () => {
  const found = analysis({});
  assert.deepEqual(drift(found, found.heads[0]), []);
  assert.deepEqual(spectrum(found, found.heads[0]).pairs, []);
  assert.deepEqual(meanCurve(found, 'position', ''), []);
  assert.equal(trend(found, found.heads[0], ''), 'unknown');
});
