// Makes data as the program does, for tests: a container from tables, a page from folders of CSV files.
//
//   node test/encode.ts FOLDER [FOLDER] -o OUTPUT [--page dist/page.html] [--title TEXT]

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export type Values = { type: string; values: ArrayLike<number>; strings?: string[]; width?: number };
export type Tables = Record<string, { rows: number; columns: Record<string, Values> }>;

const kArrays: Record<string, any> = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, i16: Int16Array,
  i32: Int32Array, f32: Float32Array, f64: Float64Array };

export function container(directory: object, tables: Tables): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  const described: any = {};
  for (const [name, table] of Object.entries(tables)) {
    const columns: any = {};
    for (const [key, column] of Object.entries(table.columns)) {
      const bytes = new Uint8Array(kArrays[column.type].from(column.values).buffer);
      const size = kArrays[column.type].BYTES_PER_ELEMENT;
      const shuffled = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
      const count = bytes.length / size;
      for (let i = 0; i < bytes.length; ++i) shuffled[(i % size) * count + Math.floor(i / size)] = bytes[i];
      Object.defineProperty(columns, key, { enumerable: true, value: { type: column.type, at,
        ...(column.strings && { strings: column.strings }), ...(column.width && { width: column.width }) } });
      parts.push(shuffled);
      at += shuffled.length;
    }
    described[name] = { rows: table.rows, columns };
  }
  const text = new TextEncoder().encode(JSON.stringify({ format: 1, ...directory, tables: described }));
  const start = Math.ceil((4 + text.length) / 8) * 8;
  const result = new Uint8Array(start + at);
  new DataView(result.buffer).setUint32(0, text.length, true);
  result.set(text, 4);
  let place = start;
  for (const part of parts) { result.set(part, place); place += part.length; }
  return result;
}

export function base64(bytes: Uint8Array): string { return gzipSync(bytes, { level: 9 }).toString('base64'); }

export function readCsv(text: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = text.trim().split('\n').map(line => line.replace(/\r$/, '').split(','));
  return { header, rows };
}

export function encodeColumn(cells: string[], wide: boolean): Values {
  const numeric = cells.every(cell => cell === '' || Number.isFinite(Number(cell)));
  if (!numeric) {
    const strings = [...new Set(cells)];
    const index = new Map(strings.map((text, i) => [text, i]));
    return { type: strings.length < 256 ? 'u8' : 'u32', values: cells.map(cell => index.get(cell)!), strings };
  }
  const values = cells.map(cell => (cell === '' ? NaN : Number(cell)));
  if (values.every(value => Number.isInteger(value) && value >= 0)) {
    const most = values.reduce((a, b) => Math.max(a, b), 0);
    return { type: most < 256 ? 'u8' : most < 65536 ? 'u16' : 'u32', values };
  }
  return { type: wide ? 'f64' : 'f32', values };
}

const kFiles: [string, string][] = [['heads', 'head_metrics.csv'], ['intervals', 'head_metrics_ci.csv'],
  ['cells', 'head_bucket_plasticity.csv'], ['details', 'head_bucket_details.csv'], ['positions', 'head_positions.csv'],
  ['trends', 'head_trends.csv'], ['methods', 'head_methods.csv'], ['diagnostics', 'head_diagnostics.csv'],
  ['rope_pairs', 'head_rope_pairs.csv'], ['components', 'head_component_weights.csv'],
  ['mean_curves', 'mean_curves.csv'], ['mean_trends', 'mean_trends.csv']];

export function tablesOf(folder: string, index: number, tables: Tables) {
  const files = [], missing = [];
  for (const [name, file] of kFiles) {
    const path = join(folder, file);
    if (!existsSync(path)) { missing.push({ file, command: 'qkscope analyze DATASET --error_bars jackknife' }); continue; }
    const bytes = readFileSync(path);
    files.push({ name: file, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), table: name });
    const { header, rows } = readCsv(bytes.toString('utf8'));
    const columns: Record<string, Values> = {};
    header.forEach((key, i) => { columns[key] = encodeColumn(rows.map(row => row[i] ?? ''), name === 'heads' || name === 'intervals'); });
    tables[`${index}/${name}`] = { rows: rows.length, columns };
  }
  missing.push({ file: 'head_profiles.parquet', command: 'qkscope analyze DATASET --profiles' });
  const record = join(folder, 'head_metrics.csv.json');
  return { name: basename(folder), record: existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {}, files, missing };
}

export function page(template: string, data: Uint8Array, points?: Uint8Array): string {
  return template.replace('@@QKSCOPE_DATA@@', () => `<template id="data">${base64(data)}</template>` +
    (points ? `<template id="points">${base64(points)}</template>` : ''));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const option = (name: string, usual: string) => {
    const at = words.indexOf(name);
    return at < 0 ? usual : words.splice(at, 2)[1];
  };
  const output = option('-o', 'report.html');
  const template = option('--page', fileURLToPath(new URL('../dist/page.html', import.meta.url)));
  const title = option('--title', 'SmolLM2-135M-Instruct');
  const tables: Tables = {};
  const analyses = words.map((folder, i) => tablesOf(folder, i, tables));
  const bytes = container({ program: 'qkscope 0.1.0', title, analyses, comparison: null, notes: [],
    options: { ids: false, tokens: false } }, tables);
  writeFileSync(output, page(readFileSync(template, 'utf8'), bytes));
}
