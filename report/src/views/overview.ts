// What was measured, how much of it, and what to be careful about.

import { fill } from '../color.ts';
import { button, element, facts, table } from '../dom.ts';
import { count, exact, grouped, interval, short } from '../format.ts';
import { methodOf } from '../parts.ts';
import { fileText, kFewDocuments, kManyDocuments, type Analysis, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';

const kPreferred = ['ap_overall', 'position_share', 'trend:position', 'trend:distance', 'turn_share', 'score_ks_distance',
  'q_R2_pos', 'q_R2_scalar', 'q_mae_ratio', 'q_resid0_kurt'];

export function documentsOf(analysis: Analysis): number {
  const known = analysis.heads.map(head => head.documents).filter(Number.isFinite);
  const most = Math.max(...known, ...(known.length ? [] : analysis.table('intervals')?.columns.get('documents')?.values ?? []));
  return most > 0 ? most : NaN;
}

function summary(page: Page): [string, string][] {
  const { analysis } = page;
  const { record } = analysis;
  const layers = new Set(analysis.heads.map(head => head.layer)).size;
  const windows = analysis.heads.filter(head => !Number.isNaN(head.window)).length;
  const documents = documentsOf(analysis);
  const { buckets } = record;
  const rows: [string, string][] = [
    ['Model', String(record.dataset?.model ?? '').split('/').at(-1)!],
    ['Heads', `${count(analysis.heads.length, 'query head')} in ${count(layers, 'layer')}` +
      (windows ? `, ${grouped(windows)} with a window` : '')],
    ['Documents', Number.isNaN(documents) ? '' : count(documents, 'document')],
    ['Vectors', record.vector ? `${String(record.vector) === 'pre_rope' ? 'before' : 'after'} RoPE` : ''],
    ['Buckets', buckets?.type === 'uniform' ? `of ${short(buckets.width)} tokens` : String(buckets?.type ?? '')],
    ['Methods', analysis.methods.filter(Boolean).join(', ')],
    ['Error bars', (record.error_bars ?? '') + (record.confidence ? `, ${short(100 * record.confidence)} %` : '')],
    ['Corpus', record.dataset?.corpus?.sha256 ? `sha256 ${String(record.dataset.corpus.sha256).slice(0, 16)}…` : ''],
  ];
  return rows.filter(row => row[1]);
}

export function warningsOf(page: Page): string[] {
  const { analysis, report } = page;
  const { record } = analysis;
  const found: string[] = [...report.notes];
  const documents = documentsOf(analysis);
  if (documents < kManyDocuments) {
    found.push(`${count(documents, 'document')}, fewer than ${kManyDocuments}: intervals are wide, and late buckets rest on ` +
      'few texts. ' +
      `What rests on fewer than ${kFewDocuments} documents is hatched or dotted.`);
  }
  if (!analysis.metrics.some(metric => metric.low)) {
    found.push('No error bars: differences between heads may be chance. ' +
      'qkscope analyze with --error_bars jackknife makes them.');
  }
  if (record.method === 'linear') {
    found.push('Plasticity is by the method linear, which misleads where RoPE turns the mean query; ' +
      'bucket and counted assume less.');
    if (record.covariance === 'diagonal') {
      found.push('The covariance is diagonal: the result depends on the basis in which the weights are written, ' +
        'and can be far off.');
    }
  }
  const { failed, not_captured, without_keys } = record.heads ?? {};
  if (failed?.length) {
    const some = failed.slice(0, 5).map((head: any) => `layer ${head.layer}, head ${head.q_head} (${head.reason})`);
    found.push(`${count(failed.length, 'head')} could not be measured: ${some.join('; ')}${failed.length > 5 ? '; \u2026' : '.'}`);
  }
  if (not_captured) found.push(`${count(not_captured, 'head')} of the model not captured.`);
  if (without_keys) found.push(`${count(without_keys, 'head')} without captured keys.`);
  const kinds = new Map<string, number>();
  for (const text of analysis.heads.flatMap(head => [...new Set(analysis.warnings(head))])) {
    kinds.set(text, (kinds.get(text) ?? 0) + 1);
  }
  for (const [text, number] of kinds) found.push(`${count(number, 'head')} of ${grouped(analysis.heads.length)}: ${text}.`);
  if (report.options.tokens) found.push('This page holds text of the corpus: tokens of the captured documents.');
  if (report.options.ids) found.push('This page holds the names of the captured documents.');
  return found;
}

// A small map on a canvas, which opens the large one.
export function smallMap(page: Page, metric: Metric): HTMLElement {
  const spec = headMap(page, metric, metric.limits);
  const [from, to] = metric.limits.map(short);
  const wide = Math.max(3, Math.min(24, Math.floor(300 / spec.columns.length)));
  const high = Math.max(3, Math.min(wide, 12, Math.floor(320 / spec.rows.length)));
  const canvas = element('canvas', { width: 2 * wide * spec.columns.length, height: 2 * high * spec.rows.length, role: 'img',
    'aria-label': `${metric.label} by layer (down) and head (across), from ${from} to ${to}` });
  canvas.style.width = `${wide * spec.columns.length}px`;
  const context = canvas.getContext('2d')!;
  context.scale(2, 2);
  const gap = wide > 5 ? 1 : 0;
  spec.rows.forEach((_, row) => spec.columns.forEach((_, column) => {
    const cell = spec.cell(row, column);
    if (!cell) return;
    context.globalAlpha = cell.off ? 0.25 : 1;
    context.fillStyle = cell.color ?? (page.dark ? '#8a93a0' : '#7b838f');
    const x = column * wide, y = row * high;
    if (cell.color) context.fillRect(x, y, wide - gap, high - gap);
    else for (let i = 0; i < high - gap; i += 2) context.fillRect(x, y + i, wide - gap, 0.7);
  }));
  canvas.addEventListener('pointermove', event => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * spec.columns.length);
    const row = Math.floor((event.clientY - box.top) / box.height * spec.rows.length);
    page.tip(spec.cell(row, column)?.lines() ?? null, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener('pointerleave', () => page.tip(null));
  const openMap = () => page.go({ view: 'map', metric: metric.id, limits: null });
  canvas.addEventListener('click', openMap);
  const bar = element('i');
  const steps = [0, 0.25, 0.5, 0.75, 1].map(t => fill(t, page.dark, metric.signed));
  bar.style.background = `linear-gradient(to right, ${steps.join(',')})`;
  const strip = element('div', { class: 'ramp' }, element('span', {}, from), bar, element('span', {}, to));
  return element('figure', { class: 'small' }, element('figcaption', {}, metric.label), canvas, strip,
    button('Open the map', openMap, { 'aria-label': `Open the map of ${metric.label}` }));
}

// Of the method that is chosen.
export function meanSlopes(page: Page): HTMLElement | null {
  const means = page.analysis.table('mean_trends'), method = methodOf(page);
  if (!means) return null;
  const rows: (string | number)[][] = [];
  for (let row = 0; row < means.rows; ++row) {
    if (means.text('method', row) !== method) continue;
    const number = (name: string) => means.number(name, row);
    rows.push([means.text('trend', row), means.text('heads', row).replaceAll('_', ' '),
      means.text('reach', row) === '' ? 'all documents' : `documents that reach bucket ${means.text('reach', row)}`,
      short(number('slope')), interval(number('ci_low'), number('ci_high')), means.text('unit', row),
      `${exact(number('num_rising'))} / ${exact(number('num_falling'))} of ${exact(number('num_heads'))}`]);
  }
  return element('section', {}, element('h3', {}, 'Does plasticity change along the document?'),
    element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Mean slopes' },
      table(`Mean slopes over heads${method && ` by the method ${method}`} (mean_trends.csv). ` +
        'Rising and falling: heads whose own interval excludes 0.',
        ['slope over', 'heads', 'of', 'mean slope', 'interval', 'unit', 'rising / falling'], rows)));
}

export const overview: View = {
  id: 'overview',
  title: 'Overview',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const { analysis } = page;
    const maps = kPreferred.map(id => analysis.metric(id))
      .filter(metric => metric && !metric.values.every(Number.isNaN)).slice(0, 4) as Metric[];
    const warnings = warningsOf(page);
    root.append(
      facts(summary(page)),
      warnings.length ? element('section', { class: 'warnings' }, element('h3', {}, 'To keep in mind'),
        element('ul', {}, ...warnings.map(text => element('li', {}, text)))) : '',
      element('h3', {}, 'Heads by layer'),
      element('div', { class: 'maps' }, ...maps.map(metric => smallMap(page, metric))),
      meanSlopes(page) ?? '',
      analysis.missing.length ? element('section', {}, element('h3', {}, 'What is missing'),
        element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Missing files' },
          table('Files that were not there, and the commands that write them.', ['file', 'would show', 'command'],
            analysis.missing.map(({ file, command }) => [file, fileText(file, 1), command])))) : '');
  },
};
