import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curve, filled, tip } from '../src/curves.ts';
import figures from '../src/figures.json' with { type: 'json' };
import tips from '../src/tips.json' with { type: 'json' };

test('columns in a text: as in the file, in four digits, with a noun', () => {
  const row = { a: 0.123456789, b: 1, c: 2048, word: 'x', none: NaN, empty: '' };
  assert.equal(filled('{a} {a~} {c} {c~} {word}', row), '0.123456789 0.1235 2048 2\u202f048 x');
  assert.equal(filled('{b query queries}, {c query queries}, {b pair}, {c pair}', row),
    '1 query, 2\u202f048 queries, 1 pair, 2\u202f048 pairs');
});

test('of the texts between bars, the first without a gap', () => {
  const row = { a: 1, none: NaN, empty: '' };
  assert.equal(filled('{none} to {a}|{a} alone', row), '1 alone');
  assert.equal(filled('no interval: {empty}|no interval', row), 'no interval');
  assert.equal(filled('{none}', row), '');
  assert.equal(filled('{absent}', row), '');
});

test('a series of rows: in the middle of its columns, dotted where few documents are behind it', () => {
  const rows = [{ position_from: 0, position_to: 15, ap_mean: 0.5, ci_low: 0.25, ci_high: 0.75, documents: 9, queries: 2, pairs: 3 },
    { position_from: 16, position_to: 31, ap_mean: NaN, ci_low: NaN, ci_high: NaN, documents: 4, queries: 2, pairs: 3 }];
  const series = curve('point', rows, { name: 'n', style: 3 });
  assert.deepEqual([series.x, series.y, series.low, series.thin], [[7.5, 23.5], [0.5, NaN], [0.25, NaN], [false, true]]);
  assert.deepEqual(series.lines(0), ['n', 'positions 0 to 15', 'plasticity 0.5', 'interval 0.25 to 0.75', '9 documents, 2 queries, 3 pairs']);
  assert.ok(series.lines(1).includes('no interval'));
  const other = curve('point', rows, { name: 'n', style: 3, y: 'queries', low: undefined });
  assert.deepEqual([other.y, other.low], [[2, 2], undefined]);
});

test('a cell says why it has no value and no interval', () => {
  const cell = { q_bucket: 2, k_bucket: 1, q_from: NaN, q_to: NaN, k_from: NaN, k_to: NaN, ap_bucket: NaN, ci_low: NaN, ci_high: NaN,
    documents: NaN, pairs: NaN, queries: NaN, note: 'no pair' };
  assert.deepEqual(tip('cell', cell), ['queries bucket 2, keys bucket 1', 'no value: no pair to compare', 'no interval: no pair', '']);
});

test('the tables of words have no braces that would not be filled', () => {
  const texts = [...Object.values(tips).flatMap(kind => kind.lines), ...Object.values(figures).flatMap(({ label, x, y }) => [label, x, y])];
  for (const text of texts) assert.doesNotMatch(text.replace(/\{\w+~?( \w+){0,2}\}/g, ''), /[{}]/, text);
});
