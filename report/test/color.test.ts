import assert from 'node:assert/strict';
import { test } from 'node:test';
import { category, fill, ink, kDashes, kSymbols, unit } from '../src/color.ts';

const kBackground = { light: '#ffffff', dark: '#14171c' };

// WCAG 2.2: relative luminance, and contrast of two colours.
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(at => {
    const share = parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test('contrast is that of WCAG', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.equal(contrast('#777777', '#777777'), 1);
  assert.ok(Math.abs(contrast('#767676', '#ffffff') - 4.54) < 0.01);
});

test('lines and points stand out 3 to 1 from the background, over whole ramps and in all categories', () => {
  for (const dark of [false, true]) {
    const background = dark ? kBackground.dark : kBackground.light;
    for (const signed of [false, true]) {
      for (let i = 0; i <= 1000; ++i) {
        const color = ink(i / 1000, dark, signed);
        assert.ok(contrast(color, background) >= 3, `${color} at ${i / 1000}, ${dark ? 'dark' : 'light'}, ${signed}`);
      }
    }
    for (let i = 0; i < 8; ++i) assert.ok(contrast(category(i, dark), background) >= 3, category(i, dark));
  }
});

test('the ramp of one sign rises in lightness, that of two signs is even around 0', () => {
  for (const dark of [false, true]) {
    let last = -1;
    for (let i = 0; i <= 100; ++i) {
      const bright = contrast(fill(i / 100, dark), '#000000');
      assert.ok(bright >= last, `${i}`);
      last = bright;
    }
    const [low, high] = [contrast(fill(0, dark, true), fill(0.5, dark, true)), contrast(fill(1, dark, true), fill(0.5, dark, true))];
    assert.ok(Math.abs(Math.log(low / high)) < 0.25, `${low} ${high}`);
  }
});

test('colours of values beyond the limits are those of the ends', () => {
  assert.equal(fill(-5, false), fill(0, false));
  assert.equal(ink(7, true, true), ink(1, true, true));
  assert.equal(unit(3, [1, 5]), 0.5);
});

test('categories differ by more than colour', () => {
  assert.equal(new Set(kDashes).size, 8);
  assert.equal(new Set(kSymbols).size, 8);
  for (const dark of [false, true]) assert.equal(new Set(Array.from({ length: 8 }, (_, i) => category(i, dark))).size, 8);
});

test('the style sheet has the backgrounds that contrasts are computed against', async () => {
  const { readFileSync } = await import('node:fs');
  const style = readFileSync(new URL('../style.css', import.meta.url), 'utf8');
  const found = [...style.matchAll(/--back: (#\w+)/g)].map(match => match[1]);
  assert.deepEqual(found, [kBackground.light, kBackground.dark]);
});
