import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report, type Analysis } from '../src/report.ts';
import { meanCurve, positionAxis, quantileBins, quantilePairs, roomy, spread } from '../src/curves.ts';
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

test('mean curves: of one curve and method', () => {
  const found = analysis({ '0/mean_curves': { curve: ['position', 'distance', 'position'], heads: ['all', 'all', 'all'], method: ['m', 'm', 'n'], reach: ['', '', ''],
    bucket: [1, 1, 1], center: [15, 10, 15], from: [10, '', 10], to: [19, '', 19], num_heads: [4, 4, 4], documents: [5, 5, 5], ap_mean: [0.5, 0.6, 0.7], ci_low: ['', '', ''], ci_high: ['', '', ''] } });
  assert.deepEqual(meanCurve(found, 'position', 'm').map(point => point.ap_mean), [0.5]);
  assert.deepEqual(meanCurve(found, 'distance', 'm').map(point => point.center), [10]);
});

test('quantiles of two sides at the same levels', () => {
  assert.deepEqual(quantilePairs([3, 1, 2], [10, 30, 20, 25, 15]), [{ a: 1, b: 10 }, { a: 2, b: 20 }, { a: 3, b: 30 }]);
  assert.deepEqual(quantilePairs([], [1]), []);
});

test('an empty report has nothing to draw, and says so by empty lists', () => {
  const found = analysis({});
  assert.deepEqual(meanCurve(found, 'position', ''), []);
});
