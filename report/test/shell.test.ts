import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flags, path, quoted } from '../src/shell.ts';
import { commands, meaning } from '../src/views/method.ts';
import { sample } from './sample.ts';

const kHostile = '$(touch x); `id` & \'"a\nrm -r b\x03\u202e';

test('words that a shell takes as they are', () => {
  for (const word of ['bucket,counted', 'org/name@rev', '0.95', 'a-b_c.csv:1=2', '-1']) {
    assert.equal(quoted(word), word);
  }
});

test('other words are quoted, and cannot end their line', () => {
  assert.equal(quoted(''), "''");
  assert.equal(quoted('two words'), "'two words'");
  assert.equal(quoted("it's"), "'it'\\''s'");
  assert.equal(quoted(kHostile), "'$(touch x); `id` & '\\''\"a?rm -r b??'");
  assert.equal(quoted('~/a'), "'~/a'");
  assert.equal(path('-rf'), './-rf');
});

test('fields as options', () => {
  assert.equal(flags({ method: ['bucket', 'counted'], profiles: true, bucket_width: null, other: false, seed: 0,
    documents: ['a', 'b'], dataset: 'x', 'a b': {} }, ['dataset']),
  " --method bucket,counted --profiles --seed 0 --documents DOCUMENTS '--a b' '{}'");
});

test('the commands of an analysis', () => {
  const of = (record: object, names: string[], name = 'results') => {
    const files = names.map(name => ({ name, bytes: 1, sha256: '' }));
    return commands(sample({ analyses: [{ name, record, files }] }).analyses[0]);
  };
  assert.deepEqual(of({ configured: { dataset: 'run', method: 'bucket', profiles: true, output_dir: 'x' },
    tables: { buckets: 'cells one.csv', rope_pairs: 'r.csv', curves: 'head_bucket_details.csv' } },
  ['cells one.csv', 'head_bucket_details.csv', 'r.csv', 'head_component_weights.csv.gz']), [
    'qkscope analyze run --method bucket --profiles --output_dir results', 'qkscope report results',
    "qkscope plot plasticity --bucket_csv 'results/cells one.csv'",
    "qkscope plot heatmap --bucket_csv 'results/cells one.csv'",
    'qkscope plot wavelengths --rope_csv results/r.csv',
    'qkscope plot components --component_csv results/head_component_weights.csv.gz']);
  assert.deepEqual(of({}, []), ['qkscope analyze DATASET --output_dir results', 'qkscope report results']);
  const [hub] = of({ configured: { dataset: 'name@v1' }, dataset: { repo: 'org/name', revision: 'v1' } }, []);
  assert.equal(hub, 'qkscope analyze org/name@v1 --output_dir results');
  const hostile = { configured: { dataset: kHostile, model_dir: kHostile, [kHostile]: 1 } };
  for (const line of of(hostile, ['head_bucket_plasticity.csv'], kHostile)) {
    assert.match(line, /^qkscope ([\w./,:@=-]+|'[^']*'|\\'| )*$/);
    assert.doesNotMatch(line, /\p{C}/u);
  }
});

test('files are told by the record, not by their names', () => {
  const tables = { heads: 'h.csv', curves: 'head_metrics.csv', constructor: 'c.csv' };
  const of = (record: object, name: string) =>
    meaning(sample({ analyses: [{ name: 'a', record }] }).analyses[0], name);
  assert.match(of({ tables }, 'h.csv'), /^A row per query head/);
  assert.match(of({ tables }, 'head_metrics.csv'), /^The curves/);
  assert.equal(of({ tables }, 'c.csv'), '');
  assert.match(of({}, 'head_metrics.csv.zst'), /^A row per query head/);
});
