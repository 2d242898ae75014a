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

export interface Cell {
  q: number; k: number;
  value: number;
  low: number; high: number;
  pairs: number; documents: number; queries: number;  // NaN: not known
  qFrom: number; qTo: number; kFrom: number; kTo: number;
  note: string;
}

export interface Point {  // of a head's curve over position
  bucket: number; from: number; to: number;
  value: number; low: number; high: number;
  documents: number; queries: number; pairs: number;
  row: number;  // of the table "positions", for its other columns
}

export const kFewDocuments = 5;     // cells and points of fewer are hatched or dashed
export const kManyDocuments = 50;   // intervals over fewer are to be read with care

export const kFiles: Record<string, string> = {
  heads: 'head_metrics.csv', intervals: 'head_metrics_ci.csv', cells: 'head_bucket_plasticity.csv',
  details: 'head_bucket_details.csv', positions: 'head_positions.csv', trends: 'head_trends.csv',
  methods: 'head_methods.csv', diagnostics: 'head_diagnostics.csv', rope_pairs: 'head_rope_pairs.csv',
  components: 'head_component_weights.csv', mean_curves: 'mean_curves.csv', mean_trends: 'mean_trends.csv',
  profiles: 'head_profiles.parquet', compare: 'compare.csv',
};

const kNotMetrics = /^(layer|q_head|k_head|warning|rope_pair|scale_.*)$|_(low|high|std_error)$/;
const kSigned = /skew|kurt|slope|difference|^trend:/;

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

export class Analysis {
  readonly name: string;
  readonly record: any;
  readonly files: { name: string; bytes: number; sha256: string }[];
  readonly missing: { file: string; command: string }[];
  readonly documents: string[];    // their names by running number; empty unless asked for
  readonly heads: Head[] = [];
  readonly metrics: Metric[] = [];
  readonly methods: string[];      // the first one is that of head_metrics.csv
  private readonly tables = new Map<string, Table>();
  private readonly byKey = new Map<HeadKey, Head>();
  private readonly byMetric = new Map<string, Metric>();
  private readonly groups = new Map<string, Map<HeadKey, number[]>>();

  constructor(entry: any, index: number, container: Container) {
    this.name = String(entry?.name ?? '');
    this.record = entry?.record ?? {};
    this.files = entry?.files ?? [];
    this.missing = entry?.missing ?? [];
    this.documents = entry?.documents ?? [];
    for (const [name, table] of container.tables) {
      if (name.startsWith(`${index}/`)) this.tables.set(name.slice(2), table);
    }
    const heads = this.table('heads');
    if (!heads) throw new Error('the data hold no table of heads');
    const diagnostics = this.table('diagnostics');
    for (let row = 0; row < heads.rows; ++row) {
      const head = { layer: heads.number('layer', row), q: heads.number('q_head', row),
        k: heads.number('k_head', row), row, window: NaN, documents: NaN, key: '' };
      head.key = `${head.layer}.${head.q}`;
      this.heads.push(head);
      this.byKey.set(head.key, head);
    }
    for (let row = 0; diagnostics && row < diagnostics.rows; ++row) {
      const head = this.byKey.get(`${diagnostics.number('layer', row)}.${diagnostics.number('q_head', row)}`);
      if (head) head.window = diagnostics.number('window', row);
      if (head) head.documents = diagnostics.number('documents', row);
    }
    const recorded = Array.isArray(this.record.methods) ? this.record.methods.map(String) : [];
    this.methods = recorded.length ? recorded : this.distinct('details', 'method');
    if (this.methods.length === 0) this.methods.push('');
    this.addMetrics();
  }

  table(name: string): Table | null { return this.tables.get(name) ?? null; }
  head(key: HeadKey): Head | undefined { return this.byKey.get(key); }
  metric(id: string): Metric | undefined { return this.byMetric.get(id); }

  // The different texts of a column, in order of appearance.
  distinct(name: string, column: string): string[] {
    const table = this.table(name);
    const found = new Set<string>();
    for (let row = 0; table && row < table.rows; ++row) found.add(table.text(column, row));
    return [...found];
  }

  // Rows of a table that belong to a head, in order. Indexed on first use.
  rows(name: string, key: HeadKey): number[] {
    let group = this.groups.get(name);
    if (!group) {
      group = new Map();
      const table = this.table(name);
      for (let row = 0; table && row < table.rows; ++row) {
        const of = `${table.number('layer', row)}.${table.number('q_head', row)}`;
        const rows = group.get(of);
        if (rows) rows.push(row);
        else group.set(of, [row]);
      }
      this.groups.set(name, group);
    }
    return group.get(key) ?? [];
  }

  // Rows of a table as objects (Table.records), of a head or of all; empty if there is no such table.
  records<S extends Shape>(name: string, shape: S, key?: HeadKey): S[] {
    return this.table(name)?.records(shape, key === undefined ? undefined : this.rows(name, key)) ?? [];
  }

  // The cells of a head, of head_bucket_details.csv or else of head_bucket_plasticity.csv, which holds
  // those of the first method alone.
  cells(key: HeadKey, method: string): Cell[] {
    const details = this.table('details');
    const table = details ?? this.table('cells');
    if (!table) return [];
    return this.rows(details ? 'details' : 'cells', key)
      .filter(row => (details ? table.text('method', row) : this.methods[0]) === method)
      .map(row => ({
        q: table.number('q_bucket', row), k: table.number('k_bucket', row),
        value: table.number('ap_bucket', row),
        low: table.number('ci_low', row), high: table.number('ci_high', row),
        pairs: table.number('pairs', row), documents: table.number('documents', row),
        queries: table.number('queries', row),
        qFrom: table.number('q_from', row), qTo: table.number('q_to', row),
        kFrom: table.number('k_from', row), kTo: table.number('k_to', row),
        note: table.text('note', row),
      }));
  }

  // The curve of a head over position; reach "": all documents, else those that reach that bucket.
  positions(key: HeadKey, method: string, reach = ''): Point[] {
    const table = this.table('positions');
    if (!table) return [];
    return this.rows('positions', key)
      .filter(row => table.text('method', row) === method && table.text('reach', row) === reach)
      .map(row => ({
        bucket: table.number('q_bucket', row),
        from: table.number('position_from', row), to: table.number('position_to', row),
        value: table.number('ap_mean', row),
        low: table.number('ci_low', row), high: table.number('ci_high', row),
        documents: table.number('documents', row), queries: table.number('queries', row),
        pairs: table.number('pairs', row), row,
      }));
  }

  // What head_diagnostics.csv and head_methods.csv warn of.
  warnings(head: Head): string[] {
    const texts = (name: string, prefix: (row: number) => string) => this.rows(name, head.key).flatMap(row =>
      this.table(name)!.text('warning', row).split('; ').filter(Boolean).map(text => prefix(row) + text));
    return [...texts('diagnostics', () => ''), ...texts('methods', row => `${this.table('methods')!.text('method', row)} `)];
  }

  command(file: string): string {
    return this.missing.find(entry => entry.file === file)?.command ?? 'qkscope analyze DATASET';
  }

  private addMetrics(): void {
    for (const name of ['heads', 'diagnostics', 'profiles']) {
      const table = this.table(name);
      for (const [id, column] of table?.columns ?? []) {
        if (kNotMetrics.test(id) || column.width !== 1 || column.strings || this.byMetric.has(id)) continue;
        const metric = this.addMetric(id, id, kFiles[name], table!, () => true);
        if (table!.has(`${id}_low`)) this.setInterval(metric, table!, `${id}_low`, `${id}_high`, () => true);
      }
    }
    const intervals = this.table('intervals');
    for (const metric of intervals ? this.metrics : []) {
      this.setInterval(metric, intervals!, 'ci_low', 'ci_high', row =>
        intervals!.text('metric', row) === metric.id &&
        (metric.id !== 'ap_overall' || intervals!.text('method', row) === this.methods[0]));
    }
    const methods = this.table('methods');
    for (const name of methods ? this.methods.slice(1) : []) {
      const rows = (row: number) => methods!.text('method', row) === name;
      const metric = this.addMetric(`method:${name}`, 'ap_overall', kFiles.methods, methods!, rows);
      metric.label = `plasticity, ${name}`;
      metric.definition = `ap_overall by the method ${name}.`;
      this.setInterval(metric, methods!, 'ci_low', 'ci_high', rows);
    }
    const trends = this.table('trends');
    for (const name of trends ? this.distinct('trends', 'trend') : []) {
      const rows = (row: number) => trends!.text('trend', row) === name &&
        trends!.text('method', row) === this.methods[0] && trends!.text('reach', row) === '';
      const metric = this.addMetric(`trend:${name}`, 'slope', kFiles.trends, trends!, rows);
      metric.unit = trends!.text('unit', 0);
      this.setInterval(metric, trends!, 'ci_low', 'ci_high', rows);
    }
    for (const metric of this.metrics) metric.limits = robustLimits(metric.values, metric.signed);
  }

  private addMetric(id: string, column: string, file: string, table: Table,
                    use: (row: number) => boolean): Metric {
    const text = Object.hasOwn(texts, id) ? (texts as Record<string, string[]>)[id] : [id, '', ''];
    const metric: Metric = { id, label: text[0], unit: text[1], definition: text[2], file,
      signed: kSigned.test(id), values: this.spread(table, column, use), low: null, high: null, limits: [0, 1] };
    this.metrics.push(metric);
    this.byMetric.set(id, metric);
    return metric;
  }

  private setInterval(metric: Metric, table: Table, low: string, high: string,
                      use: (row: number) => boolean): void {
    const values = this.spread(table, low, use);
    if (values.every(Number.isNaN)) return;
    metric.low = values;
    metric.high = this.spread(table, high, use);
  }

  // A column by Head.row.
  private spread(table: Table, column: string, use: (row: number) => boolean): Float64Array {
    const values = new Float64Array(this.heads.length).fill(NaN);
    for (let row = 0; row < table.rows; ++row) {
      if (!use(row)) continue;
      const head = this.byKey.get(`${table.number('layer', row)}.${table.number('q_head', row)}`);
      if (head) values[head.row] = table.number(column, row);
    }
    return values;
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
    const { directory } = container;
    this.program = String(directory.program ?? '');
    this.title = String(directory.title ?? '');
    this.analyses = (directory.analyses ?? [{}]).map((entry: any, i: number) => new Analysis(entry, i, container));
    this.comparison = directory.comparison ?? null;
    this.notes = (directory.notes ?? []).map(String);
    this.options = { ids: !!directory.options?.ids, tokens: !!directory.options?.tokens };
    this.compare = container.tables.get('compare') ?? null;
  }
}

// What a file of the analysis shows (0), and what it holds (1).
export function fileText(file: string, part: 0 | 1): string {
  return Object.hasOwn(files, file) ? (files as Record<string, string[]>)[file][part] : '';
}

export function headName(head: Head): string { return `layer ${head.layer}, head ${head.q}`; }

// The tooltip of a head: its name, and metrics as they stand in the files.
export function headLines(analysis: Analysis, head: Head, metrics: readonly Metric[]): string[] {
  const level = Number(analysis.record.confidence);
  const lines = [`${headName(head)} (key head ${head.k})`];
  for (const metric of new Set(metrics)) {
    const value = metric.values[head.row];
    lines.push(`${metric.label}: ${exact(value) || 'no value'}${metric.unit && !Number.isNaN(value) ? ` ${metric.unit}` : ''}`);
    if (metric.low && !Number.isNaN(metric.low[head.row])) {
      lines.push(`${level ? `${short(100 * level)} % ` : ''}interval: ${interval(metric.low[head.row], metric.high![head.row])}`);
    }
  }
  if (!Number.isNaN(head.documents)) lines.push(`documents: ${head.documents}`);
  if (!Number.isNaN(head.window)) lines.push(`window: ${head.window} tokens`);
  return lines;
}
