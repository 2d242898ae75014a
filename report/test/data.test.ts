import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, parse } from '../src/data.ts';
import { percentile, robustLimits } from '../src/report.ts';
import { base64, container, encodeColumn } from './encode.ts';
import { kTables, metrics, sample } from './sample.ts';

test('columns come back as they were stored, of every type', async () => {
  const columns = {
    a: { type: 'u8', values: [0, 255, 7] }, b: { type: 'u16', values: [1, 65535, 258] }, c: { type: 'u32', values: [1, 4294967295, 66051] },
    d: { type: 'i16', values: [-32768, 32767, -2] }, e: { type: 'i32', values: [-2147483648, 5, 66051] },
    f: { type: 'f32', values: [0.5, NaN, -1e30] }, g: { type: 'f64', values: [0.1, NaN, 1.7976931348623157e308] },
  };
  const { tables } = await decode(base64(container({}, { t: { rows: 3, columns } })));
  for (const [name, { values }] of Object.entries(columns)) {
    for (let row = 0; row < 3; ++row) {
      assert.ok(Object.is(tables.get('t')!.number(name, row), values[row]), `${name} ${row}`);
    }
  }
});

test('numbers of 32 bits have the fewest digits that give the same 32 bits, those of 64 bits stay', () => {
  const numbers = [0.1, 0.4119666, 1 / 3, 16777216, 3e-12, -0.7, 1.17549435e-38, 3.4028235e38, 123456.79, 0];
  const wide = numbers.map(Math.fround);
  const table = parse(container({}, { t: { rows: numbers.length, columns: { narrow: { type: 'f32', values: numbers },
    wide: { type: 'f64', values: wide } } } })).tables.get('t')!;
  const texts = numbers.map((_, row) => String(table.number('narrow', row)));
  assert.deepEqual(texts, ['0.1', '0.4119666', '0.33333334', '16777216', '3e-12', '-0.7', '1.1754944e-38', '3.4028235e+38',
    '123456.79', '0']);
  texts.forEach((text, row) => assert.equal(Math.fround(Number(text)), wide[row]));
  assert.deepEqual(wide.map((_, row) => table.number('wide', row)), wide);
});

test('rows as objects, in the shape that is asked for', () => {
  const table = parse(container({}, { t: { rows: 3, columns: { number: { type: 'f32', values: [0.1, NaN, 2] },
    word: { type: 'u8', values: [1, 0, 1], strings: ['', 'x'] } } } })).tables.get('t')!;
  assert.deepEqual(table.records({ number: NaN, word: '', absent: NaN, none: '' }, [2, 1]),
    [{ number: 2, word: 'x', absent: NaN, none: '' }, { number: NaN, word: '', absent: NaN, none: '' }]);
  assert.deepEqual(table.records({ number: '' }), [{ number: '0.1' }, { number: '' }, { number: '2' }]);
});

test('strings, lists, and columns that are not there', () => {
  const table = parse(container({}, { t: { rows: 2, columns: {
    word: { type: 'u8', values: [1, 0], strings: ['', '12'] }, list: { type: 'i16', values: [1, 2, 3, 4, 5, 6], width: 3 } } } })).tables.get('t')!;
  assert.equal(table.text('word', 0), '12');
  assert.equal(table.number('word', 0), 12);
  assert.ok(Number.isNaN(table.number('word', 1)));
  assert.deepEqual([...table.list('list', 1)], [4, 5, 6]);
  assert.equal(table.number('list', 1, 2), 6);
  assert.ok(Number.isNaN(table.number('nothing', 0)));
  assert.equal(table.text('nothing', 0), '');
});

test('names that are properties of objects are names', () => {
  const columns = Object.fromEntries([['layer', { type: 'u8', values: [0] }], ['q_head', { type: 'u8', values: [0] }], ['k_head', { type: 'u8', values: [0] }],
    ['constructor', { type: 'f64', values: [3] }], ['toString', { type: 'f64', values: [4] }]]);
  Object.defineProperty(columns, '__proto__', { enumerable: true, value: { type: 'f64', values: [5] } });
  const report = sample({ metrics: metrics('constructor', 'toString', '__proto__') }, { '0/heads': { rows: 1, columns: columns as any } });
  for (const [name, value] of [['constructor', 3], ['toString', 4], ['__proto__', 5]] as const) {
    assert.equal(report.analyses[0].metric(name)?.values[0], value, name);
    assert.equal(report.analyses[0].metric(name)?.label, name);
  }
  assert.equal(report.analyses[0].metric('valueOf'), undefined);
});

test('data that end early, or have another format, are refused', async () => {
  const bytes = container({}, kTables);
  for (const length of [0, 3, 10, bytes.length - 8]) assert.throws(() => parse(bytes.slice(0, length)), /end early/);
  const other = container({ format: 2 }, kTables);
  assert.throws(() => parse(other), /another format/);
  const text = base64(bytes);
  await assert.rejects(decode(text.slice(0, text.length / 2 & ~3)));
  await assert.rejects(decode('no base64!'));
});

test('heads, their metrics with intervals, and warnings are found', () => {
  const [analysis] = sample().analyses;
  assert.deepEqual(analysis.heads.map(head => head.key), ['0.0', '0.1', '1.0', '1.1']);
  const metric = analysis.metric('ap_overall')!, slope = analysis.metric('trend:position')!;
  assert.deepEqual([...metric.values], [0.7, 0.4, 0.55, 0.9]);
  assert.deepEqual([...metric.low!], [0.65, NaN, NaN, 0.8]);
  assert.deepEqual([metric.label, metric.file, metric.unit, slope.low], ['plasticity', 'head_metrics.csv', '', null]);
  assert.deepEqual([slope.label, slope.file, slope.unit], ['slope over position', 'head_trends.csv', 'per 1000 tokens']);
  assert.deepEqual(analysis.head('1.0')!.warnings, ['queries do not follow a line', 'scores are far from normal']);
  assert.equal(analysis.head('1.0')!.documents, 4);
  assert.equal(analysis.metric('warnings'), undefined);
});

test('a metric of another method has its words', () => {
  const { label, definition } = sample({ metrics: metrics('method:a:b') }).analyses[0].metric('method:a:b')!;
  assert.deepEqual([label, definition], ['plasticity, a:b', 'ap_overall by the method a:b.']);
});

test('a table of heads is enough', () => {
  const report = sample({ metrics: [] }, { '0/heads': { rows: 1, columns: { layer: encodeColumn(['3'], true), q_head: encodeColumn(['1'], true),
    k_head: encodeColumn(['0'], true) } } });
  assert.deepEqual(report.analyses[0].heads.map(({ key, warnings }) => [key, warnings]), [['3.1', []]]);
  assert.deepEqual(report.analyses[0].records('details', { q_bucket: NaN }, '3.1'), []);
  assert.throws(() => sample({}, {}), /no table of heads/);
});

test('limits of colours are percentiles, and hold 0 in the middle for signed metrics', () => {
  assert.equal(percentile([0, 1, 2, 3, 4], 0.5), 2);
  assert.equal(percentile([0, 10], 0.25), 2.5);
  const values = Array.from({ length: 101 }, (_, i) => i);
  assert.deepEqual(robustLimits([...values, NaN], false), [2, 98]);
  assert.deepEqual(robustLimits([-3, 1], true).map(value => Math.round(value)), [-3, 3]);
  assert.deepEqual(robustLimits([...values, NaN], true), [-98, 98]);
  assert.deepEqual(robustLimits([-5, -5], true), [-5, 5]);
  assert.deepEqual(robustLimits([], false), [0, 1]);
  assert.deepEqual(robustLimits([5, 5, 5], false), [2.5, 7.5]);
});
