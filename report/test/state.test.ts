import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHash, initialState, kMostPins, parseHash } from '../src/state.ts';
import { sample } from './sample.ts';

const report = sample();
const views = ['overview', 'map', 'heads', 'head', 'constructor'];
const parsed = (hash: string) => parseHash(hash, report, views);

test('an address and the state it stands for', () => {
  const state = { ...initialState(report), view: 'head', head: '1.1', metric: 'q_R2_pos', pins: ['0.0', '1.0'], selection: ['0.1'],
    filter: 'ap<0.5 layer:1-2,3 & "x"', sort: '-ap_overall', limits: [-0.25, 1e-7] as [number, number], methods: ['counted'], reach: '7' };
  const hash = formatHash(state, report);
  assert.deepEqual(parsed(hash), state);
  assert.equal(formatHash(parsed(hash), report), hash);
  assert.equal(formatHash(initialState(report), report), '#1/overview');
  assert.equal(parsed('#1/head?h=1.1&m=ap_overall&pin=0.0,0.1').pins.join(), '0.0,0.1');
});

test('what is not known is passed over', () => {
  for (const hash of ['', '#', '#2/map', '#1/nowhere', '#1/map?m=constructor&x=__proto__&h=9.9&pin=9.9,toString&sel=,,&s=alert&c=1~0&run=7&by=x',
    '#1/map?c=NaN~1', '#1/map?c=1', '#1/map?reach=-1', '#1/map?run=__proto__', '#1/map?plane=evil', '#1/map?%', '#1/map?m=%E0%A4%A', '<script>']) {
    const state = parsed(hash);
    assert.deepEqual({ ...state, view: 'overview' }, initialState(report), hash);
  }
});

test('names of methods may hold any signs', () => {
  const methods = ['bucket', 'a,b', '%2C & c', ''];
  const odd = sample({ methods });
  for (const chosen of [['a,b'], ['%2C & c', 'a,b', 'bucket'], ['']]) {
    const hash = formatHash({ ...initialState(odd), methods: chosen }, odd);
    assert.deepEqual(parseHash(hash, odd, views).methods, chosen, hash);
  }
});

test('hostile addresses do no harm', () => {
  assert.equal(parsed(`#1/map?f=${'x'.repeat(1e6)}`).filter.length, 200);
  assert.equal(parsed('#1/heads?f=a%00b%E2%80%AEc%0Ad').filter, 'abcd');
  assert.equal(parsed('#1/heads?f=%3Cimg%20src%3Dx%3E').filter, '<img src=x>');
  assert.equal(parsed(`#1/map?pin=${'0.0,0.1,1.0,1.1,'.repeat(9)}`).pins.length, Math.min(4, kMostPins));
  const long = parsed(`#1/heads?f=${'x'.repeat(199)}%F0%9F%98%80y`);   // the 200th character is of two units
  assert.equal(long.filter, `${'x'.repeat(199)}\u{1f600}`);
  assert.equal(parsed(formatHash(long, report)).filter, long.filter);
  assert.equal(parsed(formatHash({ ...long, filter: 'a\ud83db' }, report)).filter, 'ab');   // half a character
  assert.equal(({} as any).polluted, undefined);
});
