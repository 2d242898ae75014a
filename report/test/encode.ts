// Makes data as the program does, for tests: a container from tables.

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
