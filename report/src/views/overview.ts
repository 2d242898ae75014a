// What was measured, how much of it, and what to be careful about.

import { fill } from '../color.ts';
import { button, element, facts, scrolled, table } from '../dom.ts';
import { count, exact, grouped, interval, percent, short } from '../format.ts';
import { methodOf, section } from '../parts.ts';
import { extent, fileText, kFewDocuments, kManyDocuments, type Analysis, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';
import texts from '../warnings.json' with { type: 'json' };

const kPreferred = ['ap_overall', 'position_share', 'trend:position', 'trend:distance', 'turn_share',
  'score_ks_distance', 'q_R2_pos', 'q_R2_scalar', 'q_mae_ratio', 'q_resid0_kurt'];
const kMeanTrend = { trend: '', heads: '', method: '', reach: '', unit: '', slope: NaN, ci_low: NaN,
  ci_high: NaN, num_rising: NaN, num_falling: NaN, num_heads: NaN };

// NaN: not known.
function documentsOf(analysis: Analysis): number {
  const known = extent(analysis.heads.map(head => head.documents));
  const behind = known ?? extent(analysis.records('intervals', { documents: NaN }).map(row => row.documents));
  return behind?.[1] || NaN;
}

function summary({ analysis }: Page): [string, string][] {
  const { record, heads } = analysis, { dataset, buckets } = record;
  const layers = new Set(heads.map(head => head.layer)).size;
  const windows = heads.filter(head => !Number.isNaN(head.window)).length;
  const documents = documentsOf(analysis), corpus = String(dataset?.corpus?.sha256 ?? '').slice(0, 16);
  const rows: [string, string][] = [
    ['Model', String(dataset?.model ?? '').split('/').at(-1)!],
    ['Heads', `${count(heads.length, 'query head')} in ${count(layers, 'layer')}` +
      (windows ? `, ${grouped(windows)} with a window` : '')],
    ['Documents', Number.isNaN(documents) ? '' : count(documents, 'document')],
    ['Vectors', record.vector ? `${String(record.vector) === 'pre_rope' ? 'before' : 'after'} RoPE` : ''],
    ['Buckets', buckets?.type === 'uniform' ? `of ${short(buckets.width)} tokens` : buckets?.type ?? ''],
    ['Methods', analysis.methods.filter(Boolean).join(', ')],
    ['Error bars', `${record.error_bars ?? ''}${record.confidence ? `, ${percent(record.confidence)}` : ''}`],
    ['Corpus', corpus && `sha256 ${corpus}\u2026`],
  ];
  return rows.filter(row => row[1]);
}

// Heads that failed, by name.
function failures(failed: any[]): string {
  const some = failed.slice(0, 5).map(head => `layer ${head.layer}, head ${head.q_head} (${head.reason})`);
  const rest = failed.length > 5 ? '; \u2026' : '.';
  return `${count(failed.length, 'head')} could not be measured: ${some.join('; ')}${rest}`;
}

export function warningsOf({ analysis, report }: Page): string[] {
  const { record, heads } = analysis;
  const { failed, not_captured, without_keys } = record.heads ?? {};
  const documents = documentsOf(analysis), linear = record.method === 'linear';
  const kinds = new Map<string, number>();
  for (const text of heads.flatMap(head => [...new Set(analysis.warnings(head))])) {
    kinds.set(text, (kinds.get(text) ?? 0) + 1);
  }
  const found = [...report.notes,
    documents < kManyDocuments && `${count(documents, 'document')}, fewer than ${kManyDocuments}: ` +
      `${texts.few} What rests on fewer than ${kFewDocuments} documents is hatched or dotted.`,
    !analysis.metrics.some(metric => metric.low) && texts.bars,
    linear && texts.linear,
    linear && record.covariance === 'diagonal' && texts.diagonal,
    failed?.length && failures(failed),
    not_captured && `${count(not_captured, 'head')} of the model not captured.`,
    without_keys && `${count(without_keys, 'head')} without captured keys.`,
    ...[...kinds].map(([text, number]) => `${count(number, 'head')} of ${grouped(heads.length)}: ${text}.`),
    report.options.tokens && texts.tokens,
    report.options.ids && texts.ids];
  return found.filter(Boolean);
}

// A small map on a canvas, which opens the large one.
export function smallMap(page: Page, metric: Metric): HTMLElement {
  const { rows, columns, cell } = headMap(page, metric, metric.limits);
  const [from, to] = metric.limits.map(short);
  const wide = Math.max(3, Math.min(24, Math.floor(300 / columns.length)));
  const high = Math.max(3, Math.min(wide, 12, Math.floor(320 / rows.length)));
  let shown = -1;  // which cell has the tooltip
  const openMap = () => page.go({ view: 'map', metric: metric.id, limits: null });
  const canvas = element('canvas', { width: 2 * wide * columns.length, height: 2 * high * rows.length,
    role: 'img', 'aria-label': `${metric.label} by layer (down) and head (across), from ${from} to ${to}`,
    onclick: openMap, onpointerleave: () => { shown = -1; page.tip(null); },
    onpointermove: (event: PointerEvent) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - left) / width * columns.length);
      const row = Math.floor((event.clientY - top) / height * rows.length);
      if (row * columns.length + column === shown) return;
      shown = row * columns.length + column;
      page.tip(cell(row, column)?.lines() ?? null, { x: event.clientX, y: event.clientY });
    } });
  canvas.style.width = `${wide * columns.length}px`;
  const context = canvas.getContext('2d')!, gap = wide > 5 ? 1 : 0;
  context.scale(2, 2);
  rows.forEach((_, row) => columns.forEach((_, column) => {
    const { color, off } = cell(row, column) ?? {};
    if (color === undefined) return;
    const x = column * wide, y = row * high;
    context.globalAlpha = off ? 0.25 : 1;
    context.fillStyle = color ?? (page.dark ? '#8a93a0' : '#7b838f');
    if (color) context.fillRect(x, y, wide - gap, high - gap);
    else for (let i = 0; i < high - gap; i += 2) context.fillRect(x, y + i, wide - gap, 0.7);
  }));
  const steps = [0, 0.25, 0.5, 0.75, 1].map(t => fill(t, page.dark, metric.signed));
  const bar = element('i', { '--ramp': `linear-gradient(to right, ${steps.join(',')})` });
  return element('figure', { class: 'small' }, element('figcaption', {}, metric.label), canvas,
    element('div', { class: 'ramp' }, element('span', {}, from), bar, element('span', {}, to)),
    button('Open the map', openMap, { 'aria-label': `Open the map of ${metric.label}` }));
}

// Of the method that is chosen.
export function meanSlopes(page: Page): HTMLElement | null {
  const method = methodOf(page);
  if (!page.analysis.table('mean_trends')) return null;
  const mine = page.analysis.records('mean_trends', kMeanTrend).filter(row => row.method === method);
  const rows = mine.map(row => [row.trend, row.heads.replaceAll('_', ' '),
    row.reach ? `documents that reach bucket ${row.reach}` : 'all documents', short(row.slope),
    interval(row.ci_low, row.ci_high), row.unit,
    `${exact(row.num_rising)} / ${exact(row.num_falling)} of ${exact(row.num_heads)}`]);
  return section('Does plasticity change along the document?', scrolled('Mean slopes',
    table(`Mean slopes over heads${method && ` by the method ${method}`} (mean_trends.csv). ` +
      'Rising and falling: heads whose own interval excludes 0.',
    ['slope over', 'heads', 'of', 'mean slope', 'interval', 'unit', 'rising / falling'], rows)));
}

export const overview: View = {
  id: 'overview',
  title: 'Overview',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const { analysis } = page, warnings = warningsOf(page);
    const maps = kPreferred.flatMap(id => analysis.metric(id) ?? []).filter(({ values }) => extent(values));
    const missing = analysis.missing.map(({ file, command }) => [file, fileText(file, 1), command]);
    root.append(facts(summary(page)),
      warnings.length ? element('section', { class: 'warnings' }, element('h3', {}, 'To keep in mind'),
        element('ul', {}, ...warnings.map(text => element('li', {}, text)))) : '',
      section('Heads by layer', element('div', { class: 'maps' },
        ...maps.slice(0, 4).map(metric => smallMap(page, metric)))),
      meanSlopes(page) ?? '',
      missing.length ? section('What is missing', scrolled('Missing files',
        table('Files that were not there, and the commands that write them.',
          ['file', 'would show', 'command'], missing))) : '');
  },
};
