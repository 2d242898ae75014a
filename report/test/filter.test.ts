import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, findMetric, sorted } from '../src/filter.ts';
import { initialState } from '../src/state.ts';
import { kTables, sample } from './sample.ts';

const report = sample();
const [analysis] = report.analyses;
const state = { ...initialState(report), pins: ['1.0'], selection: ['0.1', '1.1'] };
const keys = (text: string) => {
  const { test, problem } = compile(text, analysis, state);
  assert.equal(problem, null, text);
  return analysis.heads.filter(test).map(head => head.key).join(' ');
};

test('terms select heads', () => {
  for (const [text, expected] of [
    ['', '0.0 0.1 1.0 1.1'], ['ap<0.5', '0.1'], ['ap>=0.55', '0.0 1.0 1.1'], ['ap=0.7', '0.0'], ['R2>0.05', '0.0 1.0'],
    ['ap<0.6 R2>0.05', '1.0'], ['layer:1', '1.0 1.1'], ['layer:0-1 head:1', '0.1 1.1'], ['layer:0,1', '0.0 0.1 1.0 1.1'],
    ['window:yes', '0.1 1.1'], ['window:no', '0.0 1.0'], ['window:512', '0.1 1.1'], ['-window:yes', '0.0 1.0'], ['group:l1k0', '1.0 1.1'],
    ['warning:yes', '0.1 1.0'], ['warning:line', '1.0'], ['pinned:yes', '1.0'], ['selected:no', '0.0 1.0'], ['l1h1', '1.1'], ['0.1', '0.1'],
    ['-l1h1 layer:1', '1.0'], ['share>0.15', '0.0 1.0 1.1'], ['trend:position<0', '0.1'], ['trend>0.02', '1.0'],
  ] as const) assert.equal(keys(text), expected, text);
});

test('empty values fulfil no limit', () => {
  assert.equal(keys('R2>-1'), '0.0 0.1 1.0');
  assert.equal(keys('R2<9'), '0.0 0.1 1.0');
});

test('what is not understood is said in a sentence, and the rest still counts', () => {
  for (const [text, said] of [['nonsense', /not understood/], ['foo<1', /foo is not the name/], ['ap<much', /much is not a number/],
    ['window:maybe', /takes numbers/], ['pinned:1', /yes or no/], ['group:3', /l3k1/], ['colour:red', /known are layer/],
    ['ap<', /not understood/], ['__proto__<1', /not the name/], ['constructor:yes', /not known/],
    ['pinned:constructor', /yes or no/], ['window:constructor', /takes numbers/]] as const) {
    const { test, problem } = compile(`${text} layer:1`, analysis, state);
    assert.match(problem ?? '', said, text);
    assert.deepEqual(analysis.heads.filter(test).map(head => head.key), ['1.0', '1.1'], text);
  }
});

test('words of a warning that are properties of objects are words', () => {
  const warnings = { type: 'u8', values: [0, 1, 0, 0], strings: ['', 'no constructor'] };
  const tables = { '0/heads': { rows: 4, columns: { ...kTables['0/heads'].columns, warnings } } };
  const [other] = sample({}, tables).analyses;
  const { test } = compile('warning:constructor', other, state);
  assert.deepEqual(other.heads.filter(test).map(head => head.key), ['0.1']);
});

test('names of metrics may be shortened as long as they are clear', () => {
  assert.equal(findMetric('AP', analysis), 'ap_overall');
  assert.equal(findMetric('overall', analysis), 'ap_overall');
  assert.deepEqual(findMetric('po', analysis), 'position_share');
  assert.deepEqual(findMetric('pos', analysis).length > 1, true);
  assert.deepEqual(findMetric('nothing', analysis), []);
});

test('heads are sorted, ties by row, heads without a value last', () => {
  const order = (sort: string) => sorted(analysis.heads, analysis, sort).map(head => head.key).join(' ');
  assert.equal(order('layer'), '0.0 0.1 1.0 1.1');
  assert.equal(order('-layer'), '1.0 1.1 0.0 0.1');
  assert.equal(order('ap_overall'), '0.1 1.0 0.0 1.1');
  assert.equal(order('q_R2_pos'), '0.1 0.0 1.0 1.1');
  assert.equal(order('-q_R2_pos'), '1.0 0.0 0.1 1.1');
  assert.equal(order('window'), '0.1 1.1 0.0 1.0');
  assert.equal(order('nothing'), '0.0 0.1 1.0 1.1');
});
