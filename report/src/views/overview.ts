// What was measured, how much of it, and what to be careful about.

import { button, element, scrolled, svgElement, table } from '../dom.ts';
import { exact, interval, short } from '../format.ts';
import { cellPaths } from '../grid.ts';
import { methodOf, ramp, section } from '../parts.ts';
import { extent, fileText, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';

const kPreferred = ['ap_overall', 'position_share', 'trend:position', 'trend:distance', 'turn_share',
  'score_ks_distance', 'q_R2_pos', 'q_R2_scalar', 'q_mae_ratio', 'q_resid0_kurt'];
const kMeanTrend = { trend: '', heads: '', method: '', reach: '', unit: '', slope: NaN, ci_low: NaN,
  ci_high: NaN, num_rising: NaN, num_falling: NaN, num_heads: NaN };

// A small map, which opens the large one.
export function smallMap(page: Page, metric: Metric): HTMLElement {
  const spec = headMap(page, metric, metric.limits), [from, to] = metric.limits.map(short);
  const rows = spec.rows.length, columns = spec.columns.length;
  const wide = Math.max(3, Math.min(24, Math.floor(300 / columns)));
  const high = Math.max(3, Math.min(wide, 12, Math.floor(320 / rows)));
  let shown = '';  // which cell has the tooltip
  const openMap = () => page.go({ view: 'map', metric: metric.id, limits: null });
  const picture = svgElement('svg', { width: wide * columns, height: high * rows, role: 'img',
    viewBox: `0 0 ${wide * columns} ${high * rows}`,
    'aria-label': `${metric.label} by layer (down) and head (across), from ${from} to ${to}`,
    onclick: openMap, onpointerleave: () => { shown = ''; page.tip(null); },
    onpointermove: (event: PointerEvent) => {
      const { left, top, width, height } = picture.getBoundingClientRect();
      const column = Math.floor((event.clientX - left) / width * columns);
      const row = Math.floor((event.clientY - top) / height * rows), at = `${row} ${column}`;
      if (at === shown) return;
      shown = at;
      page.tip(spec.cell(row, column)?.lines() ?? null, { x: event.clientX, y: event.clientY });
    } }, ...cellPaths(spec, wide, high));
  return element('figure', { class: 'small' }, element('figcaption', {}, metric.label), picture,
    ramp(page, '', metric.limits, metric),
    button('Open the map', openMap, { 'aria-label': `Open the map of ${metric.label}` }));
}

// Of the method that is chosen.
export function meanSlopes(page: Page): HTMLElement | string {
  const method = methodOf(page);
  if (!page.analysis.table('mean_trends')) return '';
  const rows = page.analysis.records('mean_trends', kMeanTrend, undefined, { method }).map(row =>
    [row.trend, row.heads.replaceAll('_', ' '),
      row.reach ? `documents that reach bucket ${row.reach}` : 'all documents', short(row.slope),
      interval(row.ci_low, row.ci_high), row.unit,
      `${exact(row.num_rising)} / ${exact(row.num_falling)} of ${exact(row.num_heads)}`]);
  return section('Does plasticity change along the document?', scrolled('Mean slopes',
    table(`Mean slopes over heads${method && ` by the method ${method}`} (mean_trends.csv). ` +
      'Rising and falling: heads whose own interval excludes 0.',
    ['slope over', 'heads', 'of', 'mean slope', 'interval', 'unit', 'rising / falling'], rows)));
}

export const overview: View = {
  id: 'overview', title: 'Overview',
  render(root: HTMLElement, page: Page) {
    const { analysis } = page, warnings = [...page.report.notes, ...analysis.warnings];
    const maps = kPreferred.flatMap(id => analysis.metric(id) ?? []).filter(({ values }) => extent(values));
    const missing = analysis.missing.map(({ file, command }) => [file, fileText(file, 1), command]);
    root.append(
      element('dl', { class: 'facts' }, ...analysis.facts.map(([name, value]) =>
        element('div', { class: 'fact' }, element('dt', {}, name), element('dd', {}, value)))),
      warnings.length ? element('section', { class: 'warnings' }, element('h3', {}, 'To keep in mind'),
        element('ul', {}, ...warnings.map(text => element('li', {}, text)))) : '',
      section('Heads by layer', element('div', { class: 'maps' },
        ...maps.slice(0, 4).map(metric => smallMap(page, metric)))),
      meanSlopes(page),
      missing.length ? section('What is missing', scrolled('Missing files',
        table('Files that were not there, and the commands that write them.',
          ['file', 'would show', 'command'], missing))) : '');
  },
};
