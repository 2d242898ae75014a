import assert from 'node:assert/strict';
import { test } from 'node:test';
import { squareLimits } from '../src/chart.ts';

test('one scale for both axes, all points inside', () => {
  const { x, y } = squareLimits([{ x: 0, y: 0 }, { x: 10, y: 1 }], 110, 50);
  assert.deepEqual([x, y].flat().map(value => Number(value.toFixed(9))), [-0.5, 10.5, -2, 3]);
  assert.deepEqual(squareLimits([], 100, 100), { x: [-1.1, 1.1], y: [-1.1, 1.1] });
  const one = squareLimits([{ x: 2, y: 2 }], 100, 100);
  assert.ok(one.x[0] < 2 && one.x[1] > 2);
});
