import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csv, fileName } from '../src/export.ts';
import { count, exact, interval, percent, short } from '../src/format.ts';
import { moved, thinned } from '../src/grid.ts';

test('numbers in four digits, whole ones in full', () => {
  for (const [value, text] of [[0, '0'], [1, '1'], [0.70784492, '0.7078'], [-0.5, '−0.5'], [1234, '1\u202f234'], [65536, '65\u202f536'], [1234567.5, '1235000'],
    [0.00001234, '1.23e-5'], [-1e-20, '−1.00e-20'], [12345678.9, '1.23e7'], [NaN, ''], [Infinity, '∞'], [-Infinity, '−∞'], [99999.99, '100000'], [-1000, '−1\u202f000'],
    [1e20, '1.00e20']] as const) assert.equal(short(value), text);
});

test('numbers as in the files', () => {
  for (const value of [0.7078449246098582, 9.482722868700677e-51, -1, 0.1]) assert.equal(Number(exact(value)), value);
  assert.equal(exact(NaN), '');
  assert.equal(interval(0.1, NaN), '');
  assert.equal(interval(0.12345, 0.5), '0.1235 to 0.5');
  assert.equal(count(1, 'head'), '1 head');
  assert.equal(count(1440, 'head'), '1\u202f440 heads');
  assert.equal(percent(0.123), '12.3 %');
});

test('CSV: cells with commas, quotes and breaks are quoted, numbers are whole, NaN is empty', () => {
  assert.equal(csv([{ a: 0.1, b: 'x,y' }, { a: NaN, b: 'say "no"' }, { a: -2, b: 'one\ntwo' }]),
    'a,b\n0.1,"x,y"\n,"say ""no"""\n-2,"one\ntwo"\n');
});

test('names of files have nothing but letters, digits and dashes', () => {
  assert.equal(fileName('qkscope', 'Map', '../../etc/passwd "R²"'), 'qkscope-map-etc-passwd-r');
  assert.equal(fileName('\u202e'), 'report');
  assert.ok(fileName('x'.repeat(1000)).length <= 100);
});

test('of many labels so many are shown as fit', () => {
  const shown = (count: number, most: number) => Array.from({ length: count }, (_, i) => i).filter(thinned(count, most));
  assert.deepEqual(shown(4, 10), [0, 1, 2, 3]);
  assert.deepEqual(shown(9, 3), [0, 4, 8]);
  for (const count of [1, 40, 128, 1000]) assert.ok(shown(count, 12).length <= 13, `${count}`);
});

test('keys in a grid: only Home and End leave the row with Ctrl', () => {
  for (const [key, ctrl, expected] of [['ArrowLeft', false, [1, 1]], ['ArrowLeft', true, [1, 1]],
    ['ArrowRight', true, [1, 3]], ['ArrowDown', true, [2, 2]], ['Home', false, [1, 0]], ['Home', true, [0, 0]],
    ['End', false, [1, 4]], ['End', true, [3, 4]], ['PageDown', false, [3, 2]]] as const) {
    assert.deepEqual(moved(key, ctrl, [1, 2], [4, 5]), expected, `${key} ${ctrl}`);
  }
});
