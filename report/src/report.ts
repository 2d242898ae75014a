// Typed access to the tables of the page. Nothing is estimated here: values are looked up.

import { exact, interval, short } from './format.ts';
import type { Container, Shape, Table } from './data.ts';
import files from './files.json' with { type: 'json' };
import texts from './metrics.json' with { type: 'json' };

export type HeadKey = string;  // "layer.q_head"

export interface Head {
  key: HeadKey;
  layer: number;
  q: number;
  k: number;
  row: number;       // of head_metrics.csv
  window: number;    // tokens; NaN: none, or not known
  documents: number; // NaN: not known
}

export interface Metric {
  id: string;          // a column of a file, or "<table>:<which>" where a table has several rows per head
  label: string;
  unit: string;
  definition: string;
  file: string;
  signed: boolean;     // has values on both sides of 0 that mean opposite things
  values: Float64Array;             // by Head.row; NaN: empty
  low: Float64Array | null;         // interval, where there is one
  high: Float64Array | null;
  limits: [number, number];         // 2nd to 98th percentile over the heads
}

export const kFewDocuments = 5;     // cells and points of fewer are hatched or dashed
export const kManyDocuments = 50;   // intervals over fewer are to be read with care

// By table: the name of its file, what the page shows of it, and what it holds.
const kTables: Record<string, string[]> = files;
export const kFiles = Object.fromEntries(Object.entries(kTables).map(([name, [file]]) => [name, file]));

const kNotMetrics = /^(layer|q_head|k_head|warning|rope_pair|scale_.*)$|_(low|high|std_error)$/;
const kSigned = /skew|kurt|slope|difference|^trend:/;

// The least and the largest finite value.
export function extent(values: Iterable<number>): [number, number] | undefined {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (Number.isFinite(value)) low = Math.min(low, value), high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}

export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

export function robustLimits(values: ArrayLike<number>, signed: boolean): [number, number] {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  if (finite.length === 0) return [0, 1];
  let low = percentile(finite, 0.02), high = percentile(finite, 0.98);
  if (signed && low < 0 && high > 0) high = Math.max(high, -low), low = -high;
  return low < high ? [low, high] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
}

const keyOf = (row: { layer: number; q_head: number }): HeadKey => `${row.layer}.${row.q_head}`;
const kHead = { layer: NaN, q_head: NaN, k_head: NaN };
const kDiagnosed = { window: NaN, documents: NaN };
const kInterval = { layer: NaN, q_head: NaN, method: '', metric: '', ci_low: NaN, ci_high: NaN };
const kMethod = { layer: NaN, q_head: NaN, method: '', ap_overall: NaN, ci_low: NaN, ci_high: NaN };
const kTrend = { ...kMethod, trend: '', reach: '', slope: NaN, unit: '' };

export class Analysis {
  readonly name: string;
  readonly record: any;
  readonly files: { name: string; bytes: number; sha256: string; table: string }[];
  readonly commands: string[];     // that make the analysis and the page, and draw the figures
  readonly missing: { file: string; command: string }[];
  readonly documents: string[];    // their names by running number; empty unless asked for
  readonly heads: Head[];
  readonly methods: string[];      // the first one is that of head_metrics.csv
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly byKey: ReadonlyMap<HeadKey, Head>;
  private readonly byMetric = new Map<string, Metric>();
  private readonly groups = new Map<string, Map<HeadKey, number[]>>();

  constructor(entry: any, index: number, container: Container) {
    this.name = String(entry?.name ?? '');
    this.record = entry?.record ?? {};
    this.files = entry?.files ?? [];
    this.commands = entry?.commands ?? [];
    this.missing = entry?.missing ?? [];
    this.documents = entry?.documents ?? [];
    this.tables = new Map([...container.tables].flatMap(([name, table]) =>
      (name.startsWith(`${index}/`) ? [[name.slice(2), table] as const] : [])));
    if (!this.table('heads')) throw new Error('the data hold no table of heads');
    this.heads = this.records('heads', kHead).map((each, row) => {
      const key = keyOf(each), [known = kDiagnosed] = this.records('diagnostics', kDiagnosed, key);
      return { key, layer: each.layer, q: each.q_head, k: each.k_head, row, ...known };
    });
    this.byKey = new Map(this.heads.map(head => [head.key, head]));
    const recorded = Array.isArray(this.record.methods) ? this.record.methods.map(String) : [];
    this.methods = recorded.length ? recorded : this.distinct('details', 'method');
    if (this.methods.length === 0) this.methods.push('');
    this.readMetrics();
  }

  table(name: string): Table | null { return this.tables.get(name) ?? null; }
  head(key: HeadKey): Head | undefined { return this.byKey.get(key); }
  metric(id: string): Metric | undefined { return this.byMetric.get(id); }
  get metrics(): Metric[] { return [...this.byMetric.values()]; }

  // The different texts of a column, in order of appearance.
  distinct(name: string, column: string): string[] {
    return [...new Set(this.records(name, { [column]: '' }).map(row => row[column]))];
  }

  // Rows of a table that belong to a head, in order. Indexed on first use.
  rows(name: string, key: HeadKey): number[] {
    let group = this.groups.get(name);
    if (!group) {
      group = new Map();
      for (const [row, record] of this.records(name, kHead).entries()) {
        const rows = group.get(keyOf(record));
        if (rows) rows.push(row);
        else group.set(keyOf(record), [row]);
      }
      this.groups.set(name, group);
    }
    return group.get(key) ?? [];
  }

  // Rows of a table as objects (Table.records), of a head or of all; empty if there is no such table.
  records<S extends Shape>(name: string, shape: S, key?: HeadKey): S[] {
    return this.table(name)?.records(shape, key === undefined ? undefined : this.rows(name, key)) ?? [];
  }

  // What head_diagnostics.csv and head_methods.csv warn of.
  warnings({ key }: Head): string[] {
    const shape = { method: '', warning: '' };
    return [...this.records('diagnostics', shape, key), ...this.records('methods', shape, key)].flatMap(row =>
      row.warning.split('; ').filter(Boolean).map(text => (row.method ? `${row.method} ${text}` : text)));
  }

  command(file: string): string {
    return this.missing.find(entry => entry.file === file)?.command ?? 'qkscope analyze DATASET';
  }

  private readMetrics(): void {
    for (const name of ['heads', 'diagnostics', 'profiles']) {
      const table = this.table(name), keys = this.records(name, kHead).map(keyOf);
      for (const [id, column] of table?.columns ?? []) {
        if (kNotMetrics.test(id) || column.width !== 1 || column.strings || this.byMetric.has(id)) continue;
        keys.forEach((key, row) => {
          const [value, low, high] = ['', '_low', '_high'].map(end => table!.number(id + end, row));
          this.set(id, name, key, value, low, high);
        });
      }
    }
    for (const { metric, method, ci_low, ci_high, ...row } of this.records('intervals', kInterval)) {
      const value = this.metric(metric)?.values[this.head(keyOf(row))?.row ?? NaN];
      if (value === undefined || (metric === 'ap_overall' && method !== this.methods[0])) continue;
      this.set(metric, 'intervals', keyOf(row), value, ci_low, ci_high);
    }
    for (const { method, ap_overall, ci_low, ci_high, ...row } of this.records('methods', kMethod)) {
      if (this.methods.indexOf(method) < 1) continue;
      const metric = this.set(`method:${method}`, 'methods', keyOf(row), ap_overall, ci_low, ci_high);
      metric.label = `plasticity, ${method}`;
      metric.definition = `ap_overall by the method ${method}.`;
    }
    for (const row of this.records('trends', kTrend)) {
      if (row.method !== this.methods[0] || row.reach !== '') continue;
      const metric = this.set(`trend:${row.trend}`, 'trends', keyOf(row), row.slope, row.ci_low, row.ci_high);
      metric.unit = row.unit;
    }
    for (const metric of this.metrics) metric.limits = robustLimits(metric.values, metric.signed);
  }

  // What a row says of a metric of a head. The metric is made when it is first met.
  private set(id: string, table: string, key: HeadKey, value: number, low: number, high: number): Metric {
    const none = () => new Float64Array(this.heads.length).fill(NaN);
    let metric = this.byMetric.get(id);
    if (!metric) {
      const known: Record<string, string[]> = texts;
      const [label, unit, definition] = Object.hasOwn(known, id) ? known[id] : [id, '', ''];
      metric = { id, label, unit, definition, file: kFiles[table], signed: kSigned.test(id), values: none(),
        low: null, high: null, limits: [0, 1] };
      this.byMetric.set(id, metric);
    }
    const row = this.byKey.get(key)?.row;
    if (row === undefined) return metric;
    metric.values[row] = value;
    if (Number.isNaN(low)) return metric;
    metric.low ??= none();
    metric.high ??= none();
    metric.low[row] = low;
    metric.high[row] = high;
    return metric;
  }
}

export class Report {
  readonly program: string;
  readonly title: string;
  readonly analyses: Analysis[];
  readonly comparison: any | null;
  readonly notes: string[];
  readonly options: { ids: boolean; tokens: boolean };
  readonly compare: Table | null;   // compare.csv

  constructor(container: Container) {
    const { directory, tables } = container;
    this.program = String(directory.program ?? '');
    this.title = String(directory.title ?? '');
    const entries: any[] = directory.analyses ?? [{}];
    this.analyses = entries.map((entry, i) => new Analysis(entry, i, container));
    this.comparison = directory.comparison ?? null;
    this.notes = (directory.notes ?? []).map(String);
    this.options = { ids: !!directory.options?.ids, tokens: !!directory.options?.tokens };
    this.compare = tables.get('compare') ?? null;
  }
}

// What a file of the analysis shows (1), and what it holds (2).
export function fileText(file: string, part: 1 | 2): string {
  return Object.values(kTables).find(([name]) => name === file)?.[part] ?? '';
}

export function headName(head: Head): string { return `layer ${head.layer}, head ${head.q}`; }

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
export function headLines(analysis: Analysis, head: Head, metrics: readonly Metric[]): string[] {
  const level = Number(analysis.record.confidence);
  const lines = [`${headName(head)} (key head ${head.k})`];
  for (const metric of new Set(metrics)) {
    const value = exact(metric.values[head.row]), ends = intervalOf(metric, head);
    lines.push(`${metric.label}: ${value ? `${value} ${metric.unit}`.trim() : 'no value'}`);
    if (ends) lines.push(`${level ? `${short(100 * level)} % ` : ''}interval: ${interval(...ends)}`);
  }
  if (!Number.isNaN(head.documents)) lines.push(`documents: ${head.documents}`);
  if (!Number.isNaN(head.window)) lines.push(`window: ${head.window} tokens`);
  return lines;
}
