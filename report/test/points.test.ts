import assert from 'node:assert/strict';
import { test } from 'node:test';
import { level, normalCdf, normalQuantile, quantileBins } from '../src/normal.ts';
import { drawPoints, hitGrid, nearest, squareLimits } from '../src/points.ts';

test('the normal distribution and its quantiles', () => {
  assert.ok(Math.abs(normalCdf(1.959963984540054) - 0.975) < 1e-12);
  assert.equal(normalCdf(0), 0.5);
  for (const p of [0.004, 0.1, 0.5, 0.9, 0.996])
    assert.ok(Math.abs(normalCdf(normalQuantile(p)) - p) < 1e-10);
});

test('bins of normal quantiles are the normal density, and hold all of the mass', () => {
  const quantiles = Array.from({ length: 129 }, (_, i) => normalQuantile(level(i, 129)));
  const bins = quantileBins(quantiles, 0.25);
  const mass = bins.reduce((sum, bin) => sum + bin.density * 0.25, 0);
  assert.ok(Math.abs(mass - 1) < 1e-12);
  for (const bin of bins.filter((b) => Math.abs(b.from) < 2))
    assert.ok(Math.abs(bin.density - bin.normal) < 0.01, `${bin.from}: ${bin.density}`);
});

test('quantiles that are all equal, or missing, give no endless loop', () => {
  assert.deepEqual(quantileBins([NaN, NaN, NaN], 0.25), []);
  const bins = quantileBins([1, 1, 1], 0.25);
  assert.ok(bins.every((bin) => Number.isFinite(bin.density)));
});

test('one scale for both axes, all points inside', () => {
  const { x, y } = squareLimits([0, 10], [0, 1], 110, 50);
  assert.deepEqual([x, y].flat().map(value => Number(value.toFixed(9))), [-0.5, 10.5, -2, 3]);
  assert.deepEqual(squareLimits([], [], 100, 100), { x: [-1.1, 1.1], y: [-1.1, 1.1] });
  const one = squareLimits([2], [2], 100, 100);
  assert.ok(one.x[0] < 2 && one.x[1] > 2);
});

test('the nearest point is that of a full search', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const px = Float32Array.from({ length: 500 }, () => random() * 300);
  const py = Float32Array.from({ length: 500 }, () => random() * 200);
  const grid = hitGrid(px, py, 300, 200);
  for (let k = 0; k < 200; ++k) {
    const x = random() * 340 - 20, y = random() * 240 - 20;
    let best = -1, least = 144;
    for (let i = 0; i < 500; ++i) {
      const d = (px[i]! - x) ** 2 + (py[i]! - y) ** 2;
      if (d <= least) [best, least] = [i, d];
    }
    assert.equal(nearest(grid, x, y), best);
  }
});

test('queries are squares, keys are crosses, and what lies outside is left out', () => {
  const image = { data: new Uint8ClampedArray(4 * 20 * 10), width: 20, height: 10 };
  drawPoints(image, 1, Float32Array.of(5, 13, 25), Float32Array.of(5, 5, 5), 1, () => '#010203');
  const text = Array.from({ length: 10 }, (_, y) => Array.from({ length: 20 }, (_, x) => (image.data[4 * (20 * y + x) + 3] ? '#' : '.')).join(''));
  assert.deepEqual(text.slice(2, 9), ['.............#......', '.............#......', '....###......#......', '....###...#######...',
    '....###......#......', '.............#......', '.............#......']);
  assert.deepEqual([...image.data.slice(4 * (20 * 5 + 5), 4 * (20 * 5 + 5) + 4)], [1, 2, 3, 255]);
});

test('16,384 points are drawn and found in time', () => {
  const n = 16384, px = Float32Array.from({ length: n }, (_, i) => 10 + (i * 7919) % 880), py = Float32Array.from({ length: n }, (_, i) => 10 + (i * 104729) % 500);
  const image = { data: new Uint8ClampedArray(4 * 900 * 520), width: 900, height: 520 };
  const began = process.cpuUsage();
  drawPoints(image, 1, px, py, n / 2, i => (i % 2 ? '#102030' : '#405060'));
  hitGrid(px, py, 900, 520);
  assert.ok(process.cpuUsage(began).user < 50_000, `${process.cpuUsage(began).user} us`);
});
