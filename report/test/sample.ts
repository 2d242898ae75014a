// A small report for tests: two layers of two heads, with intervals, slopes and warnings.

import { parse } from '../src/data.ts';
import { Report } from '../src/report.ts';
import { container, type Tables } from './encode.ts';

const f64 = (values: number[]) => ({ type: 'f64', values });
const u8 = (values: number[]) => ({ type: 'u8', values });
const text = (words: string[]) => ({ type: 'u8', values: words.map(word => [...new Set(words)].indexOf(word)), strings: [...new Set(words)] });
const keys = { layer: u8([0, 0, 1, 1]), q_head: u8([0, 1, 0, 1]), k_head: u8([0, 0, 0, 0]) };

export const kTables: Tables = {
  '0/heads': { rows: 4, columns: { ...keys, q_R2_pos: f64([0.1, 0.02, 0.3, NaN]), ap_overall: f64([0.7, 0.4, 0.55, 0.9]),
    'ap_overall:low': f64([0.65, NaN, NaN, 0.8]), 'ap_overall:high': f64([0.75, NaN, NaN, 1]), documents: u8([14, 14, 4, 14]),
    window: { type: 'f32', values: [NaN, 512, NaN, 512] }, position_share: f64([0.2, 0.1, 0.4, 0.3]),
    'trend:position': f64([0.01, -0.02, 0.03, NaN]),
    warnings: text(['', 'scores are far from normal', 'queries do not follow a line; scores are far from normal', '']) } },
};

export const metrics = (...ids: string[]) => ids.map(id => ({ id, table: id.startsWith('trend:') ? 'trends' : 'heads',
  unit: id.startsWith('trend:') ? 'per 1000 tokens' : '', signed: id.startsWith('trend:'), limits: [0, 1] }));

const entry = { name: 'a', record: {}, methods: ['bucket', 'counted'],
  metrics: metrics('q_R2_pos', 'ap_overall', 'documents', 'window', 'position_share', 'trend:position') };

export function sample(own: object = {}, tables: Tables = kTables): Report {
  return new Report(parse(container({ title: 'sample', analyses: [{ ...entry, ...own }] }, tables)));
}
