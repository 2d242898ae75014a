// Typed access to the tables of the page. Nothing is estimated here: values are looked up.

import { exact, interval, short } from './format.ts';
import type { Container, Shape, Table } from './data.ts';
import files from './files.json' with { type: 'json' };
import texts from './metrics.json' with { type: 'json' };

export type HeadKey = string;  // "layer.q_head"

export interface Head {
  key: HeadKey; layer: number; q: number; k: number; warnings: string[];
  row: number;       // of head_metrics.csv
  window: number;    // tokens; NaN: none, or not known
  documents: number; // NaN: not known
}

export interface Metric {
  id: string;          // a column of a file, or "<table>:<which>" where a table has several rows per head
  label: string; unit: string; definition: string; file: string;
  signed: boolean;     // has values on both sides of 0 that mean opposite things
  values: Float64Array;             // by Head.row; NaN: empty
  low: Float64Array | null; high: Float64Array | null;   // intervals, where there are any
  limits: [number, number];         // of colours: 2nd to 98th percentile over the heads, balanced
}

export const kFewDocuments = 5;     // cells and points of fewer are hatched or dashed

// By table: the name of its file, what the page shows of it, and what it holds.
const kTables: Record<string, string[]> = files;
export const kFiles = Object.fromEntries(Object.entries(kTables).map(([name, [file]]) => [name, file]));

// The least and the largest finite value.
export function extent(values: Iterable<number>): [number, number] | undefined {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return low <= high ? [low, high] : undefined;
}

export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

export const finite = (values: ArrayLike<number>) => Float64Array.from(values).filter(Number.isFinite).sort();

// Limits of colours: those of a signed metric have 0 in the middle.
export function balanced([low, high]: readonly [number, number], signed: boolean): [number, number] {
  const most = Math.max(Math.abs(low), Math.abs(high));
  return signed ? [-most, most] : [low, high];
}

// The 2nd to the 98th percentile.
export function robustLimits(values: ArrayLike<number>, signed: boolean): [number, number] {
  const all = finite(values);
  if (all.length === 0) return [0, 1];
  const [low, high] = balanced([percentile(all, 0.02), percentile(all, 0.98)], signed);
  return low < high ? [low, high] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
}

const kKeys = { layer: NaN, q_head: NaN };
const kHead = { ...kKeys, k_head: NaN, window: NaN, documents: NaN, warnings: '' };

// An entry of the directory, with its tables: what the program has found out about an analysis.
export class Analysis {
  readonly name: string = '';
  readonly record: any = {};
  readonly files: { name: string; bytes: number; sha256: string; table: string }[] = [];
  readonly commands: string[] = [];     // that make the analysis and the page, and draw the figures
  readonly missing: { file: string; command: string }[] = [];
  readonly documents: string[] = [];    // their names by running number; empty unless asked for
  readonly facts: [string, string][] = [];
  readonly warnings: string[] = [];
  readonly methods: string[] = [''];    // the first one is that of head_metrics.csv
  readonly metrics: Metric[] = [];
  readonly heads: Head[];
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly byKey: ReadonlyMap<HeadKey, Head>;
  private readonly groups = new Map<string, Map<HeadKey, number[]>>();

  constructor(entry: any, index: number, { tables }: Container) {
    Object.assign(this, entry);
    this.record ??= {};
    this.tables = new Map([...tables].flatMap(([name, table]) =>
      (name.startsWith(`${index}/`) ? [[name.slice(2), table] as const] : [])));
    const table = this.table('heads');
    if (!table) throw new Error('the data hold no table of heads');
    this.heads = table.records(kHead).map(({ layer, q_head: q, k_head: k, warnings, ...each }, row) =>
      ({ ...each, layer, q, k, row, key: `${layer}.${q}`, warnings: warnings.split('; ').filter(Boolean) }));
    this.byKey = new Map(this.heads.map(head => [head.key, head]));
    this.metrics = this.metrics.map(({ id, table: from, unit: own, signed, limits }: any) => {
      const known: Record<string, string[]> = texts, method = /^method:(.*)$/s.exec(id)?.[1];
      const [label, unit, definition] = Object.hasOwn(known, id) ? known[id]
        : method ? [`plasticity, ${method}`, '', `ap_overall by the method ${method}.`] : [id, '', ''];
      const [values, low, high] = ['', ':low', ':high'].map(end => table.numbers(id + end));
      return { id, label, definition, signed, limits, unit: own || unit, file: kFiles[from], values: values!,
        low, high };
    });
  }

  table(name: string): Table | null { return this.tables.get(name) ?? null; }
  head(key: HeadKey): Head | undefined { return this.byKey.get(key); }
  metric(id: string): Metric | undefined { return this.metrics.find(metric => metric.id === id); }

  // The different texts of a column, in order of appearance.
  distinct(name: string, column: string, key?: HeadKey): string[] {
    return [...new Set(this.records(name, { [column]: '' }, key).map(row => row[column]))];
  }

  // Rows of a table that belong to a head, in order. Indexed on first use.
  private rows(name: string, key: HeadKey): number[] {
    const group = this.groups.get(name) ?? new Map<HeadKey, number[]>();
    if (!this.groups.has(name)) {
      this.groups.set(name, group);
      for (const [row, { layer, q_head }] of this.records(name, kKeys).entries()) {
        const of = `${layer}.${q_head}`, rows = group.get(of);
        if (rows) rows.push(row);
        else group.set(of, [row]);
      }
    }
    return group.get(key) ?? [];
  }

  // Rows of a table as objects (Table.records), of a head or of all, whose columns have these texts; none
  // if there is no such table.
  records<S extends Shape>(name: string, shape: S, key?: HeadKey, texts: Record<string, string> = {}): S[] {
    const table = this.table(name), wanted = Object.entries(texts);
    const rows = key === undefined ? Array(table?.rows ?? 0).keys() : this.rows(name, key);
    const found = [...rows].filter(row => wanted.every(([name, text]) => table!.text(name, row) === text));
    return table?.records(shape, found) ?? [];
  }

  // The items of a list of a head.
  list(name: string, column: string, key: HeadKey): number[] {
    const [row] = this.rows(name, key);
    return row === undefined ? [] : this.table(name)!.list(column, row);
  }

  lacksFile(file: string): boolean { return this.missing.some(entry => entry.file === file); }
  command(file: string): string {
    return this.missing.find(entry => entry.file === file)?.command ?? 'qkscope analyze DATASET';
  }
}

export class Report {
  readonly program: string = '';
  readonly title: string = '';
  readonly analyses: Analysis[];
  readonly comparison: any;         // null: there is one analysis
  readonly notes: string[] = [];
  readonly compare: Table | undefined;   // compare.csv

  constructor(container: Container) {
    const { directory, tables } = container;
    Object.assign(this, directory);
    this.analyses = directory.analyses.map((entry: any, i: number) => new Analysis(entry, i, container));
    this.compare = tables.get('compare');
  }
}

// What a file of the analysis shows (1), and what it holds (2).
export const fileText = (file: string, part: 1 | 2) =>
  Object.values(kTables).find(([name]) => name === file)?.[part] ?? '';

export const headName = (head: Head): string => `layer ${head.layer}, head ${head.q}`;

// The interval of a metric of a head; undefined: there is none.
export function intervalOf({ low, high }: Metric, { row }: Head): [number, number] | undefined {
  return low && high && !Number.isNaN(low[row] + high[row]) ? [low[row], high[row]] : undefined;
}

export const unitLabel = ({ label, unit }: Metric): string => label + (unit ? ` (${unit})` : '');

// Rows of a table behind a figure; `ends`: with intervals, where a metric has them.
export function headRows(heads: readonly Head[], metrics: readonly Metric[], ends = false) {
  const columns = metrics.flatMap(({ id, values, low, high }) => [{ id, values },
    ...(ends && low && high ? [{ id: `${id}:low`, values: low }, { id: `${id}:high`, values: high }] : [])]);
  return heads.map(({ layer, q, k, row }) => ({ layer, q_head: q, k_head: k,
    ...Object.fromEntries(columns.map(({ id, values }) => [id, values[row]])) }));
}

// The tooltip of a head: its name, and metrics as they stand in the files.
export function headLines({ record }: Analysis, head: Head, metrics: readonly Metric[]): string[] {
  const level = record.confidence > 0 ? `${short(100 * record.confidence)} % interval` : 'interval';
  return [`${headName(head)} (key head ${head.k})`, ...[...new Set(metrics)].flatMap(metric => {
    const value = exact(metric.values[head.row]), ends = intervalOf(metric, head);
    return [`${metric.label}: ${value ? `${value} ${metric.unit}`.trim() : 'no value'}`,
      ends ? `${level}: ${interval(...ends)}` : ''];
  }),
  head.documents >= 0 ? `documents: ${head.documents}` : '',
  head.window >= 0 ? `window: ${head.window} tokens` : ''];
}
