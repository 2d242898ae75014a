// The data of the page: base64 of gzip of a container, which is the length of its directory (uint32),
// the directory (JSON), and columns, little-endian and byte-shuffled, at multiples of 8.

const kTypes = {
  u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, i16: Int16Array, i32: Int32Array,
  f32: Float32Array, f64: Float64Array,
} as const;
type Numbers = InstanceType<(typeof kTypes)[keyof typeof kTypes]>;
interface Entry { type: keyof typeof kTypes; at: number; strings?: string[]; width?: number }
interface Column { strings?: string[]; width: number; readonly values: Numbers }   // [rows * width]

// Values are unpacked on first use.
function makeColumn({ type, at, strings, width = 1 }: Entry, rows: number, bytes: Uint8Array): Column {
  const kind = kTypes[type], size = kind?.BYTES_PER_ELEMENT ?? NaN, count = rows * width;
  if (!(at + count * size <= bytes.length)) throw new Error('the data end early');
  let unpacked: Numbers | null = null;
  const unpack = () => {
    const result = new Uint8Array(count * size);
    for (let part = 0, from = at; part < size; ++part) {
      for (let i = 0; i < count; ++i) result[i * size + part] = bytes[from++];
    }
    return new kind(result.buffer);
  };
  return { strings, width, get values() { return unpacked ??= unpack(); } };
}

export type Shape = Readonly<Record<string, number | string>>;

export class Table {
  readonly rows: number;
  private readonly columns: ReadonlyMap<string, Column>;

  constructor(rows: number, columns: ReadonlyMap<string, Column>) {
    this.rows = rows;
    this.columns = columns;
  }

  // NaN where there is no such column, or no value. Numbers of 32 bits are widened to the number of the
  // fewest digits that has the same 32 bits: as such a number stands in a CSV file.
  number(name: string, row: number, item = 0): number {
    const column = this.columns.get(name);
    if (!column) return NaN;
    const value = column.values[row * column.width + item] ?? NaN;
    if (column.strings) return Number(column.strings[value] || NaN);
    return column.values instanceof Float32Array ? fewestDigits(value) : value;
  }

  text(name: string, row: number, item = 0): string {
    const column = this.columns.get(name);
    if (column?.strings) return column.strings[column.values[row * column.width + item]] ?? '';
    const value = this.number(name, row, item);
    return Number.isNaN(value) ? '' : String(value);
  }

  // The numbers of a column, of all rows; null: there is no such column.
  numbers(name: string): Float64Array | null {
    if (!this.columns.has(name)) return null;
    return Float64Array.from({ length: this.rows }, (_, row) => this.number(name, row));
  }

  // The items of a row of a column of lists.
  list(name: string, row: number): number[] {
    const { values = [], width = 0 } = this.columns.get(name) ?? {};
    const items = Array.from(values.slice(row * width, (row + 1) * width));
    return values instanceof Float32Array ? items.map(fewestDigits) : items;
  }

  // Rows as objects. The shape names the columns, and what they hold: { q_bucket: NaN, note: '' } are
  // numbers and texts.
  records<S extends Shape>(shape: S, rows: Iterable<number> = Array(this.rows).keys()): S[] {
    const names = Object.entries(shape);
    return Array.from(rows, row => Object.fromEntries(names.map(([name, kind]) =>
      [name, typeof kind === 'number' ? this.number(name, row) : this.text(name, row)])) as S);
  }
}

function fewestDigits(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 24) return value;
  for (let digits = 6; digits < 9; ++digits) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

export interface Container {
  directory: any;
  tables: Map<string, Table>;
}

export function parse(bytes: Uint8Array): Container {
  const length = bytes.length < 4 ? NaN : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (!(4 + length <= bytes.length)) throw new Error('the data end early');
  const directory = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (directory.format !== 1) throw new Error('the data have another format than this page reads');
  const body = bytes.subarray(Math.ceil((4 + length) / 8) * 8);
  const tables = new Map(Object.entries<any>(directory.tables).map(([name, { rows, columns }]) =>
    [name, new Table(rows, new Map(Object.entries<Entry>(columns).map(([key, entry]) =>
      [key, makeColumn(entry, rows, body)])))]));
  return { directory, tables };
}

export async function decode(base64: string): Promise<Container> {
  const text = base64.trim(), fast = (Uint8Array as any).fromBase64;
  const packed: Uint8Array<ArrayBuffer> =
    fast ? fast(text) : Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return parse(new Uint8Array(await new Response(stream).arrayBuffer()));
}

// The text of a template of the page; null: there is none.
export function templateText(id: string): string | null {
  return document.querySelector<HTMLTemplateElement>(`template#${id}`)?.content.textContent ?? null;
}
