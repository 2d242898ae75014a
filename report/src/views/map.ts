// All heads, layer by head, coloured by a metric.

import { fill, ink, unit } from '../color.ts';
import { chart, points, type Dot } from '../chart.ts';
import { button, element, select } from '../dom.ts';
import { exact, short } from '../format.ts';
import { grid, gridPicture, thinned, type GridSpec } from '../grid.ts';
import { ramp } from '../parts.ts';
import { headLines, headName, kFewDocuments, type Analysis, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';

export function metricOptions(analysis: Analysis): [string, string][] {
  return analysis.metrics.map(metric => [metric.id, metric.label === metric.id ? metric.id : `${metric.label} (${metric.id})`]);
}

export function unitLabel(metric: Metric): string {
  return metric.label + (metric.unit ? ` (${metric.unit})` : '');
}

export function metricOf(page: Page, id = page.state.metric): Metric {
  return page.analysis.metric(id) ?? page.analysis.metrics[0];
}

// Rows are layers, columns query heads; heads that failed are rows and columns as well.
export function headMap(page: Page, metric: Metric, limits: readonly [number, number]): GridSpec {
  const { analysis, state } = page;
  const failed = new Map<string, string>();
  for (const { layer, q_head, reason } of analysis.record.heads?.failed ?? []) failed.set(`${layer}.${q_head}`, String(reason));
  const places = [...analysis.heads.map(head => [head.layer, head.q]),
    ...[...failed.keys()].map(key => key.split('.').map(Number))];
  const layers = [...new Set(places.map(place => place[0]))].sort((a, b) => a - b);
  const heads = [...new Set(places.map(place => place[1]))].sort((a, b) => a - b);
  const chosen = new Set(state.selection);
  return {
    id: `map-${metric.id}`, label: unitLabel(metric),
    scale: { low: short(limits[0]), high: short(limits[1]), color: t => fill(t, page.dark, metric.signed) },
    rowTitle: 'layer', columnTitle: 'head',
    rows: layers.map(String), columns: heads.map(String),
    cell(row, column) {
      const key = `${layers[row]}.${heads[column]}`;
      const head = analysis.head(key);
      if (!head) {
        const reason = failed.get(key);
        if (reason === undefined) return null;
        const name = `layer ${layers[row]}, head ${heads[column]}`;
        return { label: `${name}: failed`, color: null, lines: () => [name, `could not be measured: ${reason}`] };
      }
      const value = metric.values[head.row];
      return {
        label: `${headName(head)}: ${exact(value) || 'no value'}`, key, off: chosen.size > 0 && !chosen.has(key),
        color: Number.isNaN(value) ? null : fill(unit(value, limits), page.dark, metric.signed),
        hatched: head.documents < kFewDocuments, mark: !Number.isNaN(head.window),
        lines: () => headLines(analysis, head, [metric]),
      };
    },
    open: (row, column, event) => {
      const key = `${layers[row]}.${heads[column]}`;
      if (analysis.head(key)) page.open(key, event);
    },
  };
}

// Two numbers, the ends of the colours. Values beyond them have the colours of the ends.
function limitFields(page: Page, metric: Metric, limits: readonly [number, number]): HTMLElement {
  const field = (at: 0 | 1, name: string) => {
    const value = short(limits[at]).replace('\u2212', '-').replaceAll('\u202f', '');
    const input = element('input', { id: `limit-${at}`, type: 'text', inputmode: 'decimal', size: 8, value,
      onchange: () => {
        const changed: [number, number] = [limits[0], limits[1]];
        changed[at] = Number(input.value);
        if (Number.isFinite(changed[at]) && input.value.trim() && changed[0] < changed[1]) page.go({ limits: changed });
        else input.setAttribute('aria-invalid', 'true');
      } });
    return element('label', { class: 'field' }, element('span', {}, name), input);
  };
  const values = metric.values.filter(Number.isFinite);
  return element('div', { class: 'controls' }, field(0, 'Colours from'), field(1, 'to'),
    button('Robust', () => page.go({ limits: null }),
      { id: 'robust', title: '2nd to 98th percentile of the heads', 'aria-pressed': String(!page.state.limits) }),
    button('Full range', () => {
      const full: [number, number] = [Math.min(...values), Math.max(...values)];
      if (full[0] < full[1]) page.go({ limits: full });
    }, { id: 'full', title: 'Smallest to largest value' }));
}

// The same values over depth.
function byLayer(page: Page, metric: Metric, limits: readonly [number, number]): HTMLElement {
  const chosen = new Set(page.state.selection);
  const dots = page.analysis.heads.filter(head => Number.isFinite(metric.values[head.row])).map((head): Dot => ({
    x: head.layer, y: metric.values[head.row], key: head.key, symbol: Number.isNaN(head.window) ? 0 : 1,
    color: ink(unit(metric.values[head.row], limits), page.dark, metric.signed),
    faint: chosen.size > 0 && !chosen.has(head.key), lines: headLines(page.analysis, head, [metric]) }));
  const layers = [...new Set(dots.map(each => each.x))].sort((a, b) => a - b);
  return chart(page, `${metric.label} by layer`, () => ({ columns: ['layer', 'q_head', metric.id],
    rows: page.analysis.heads.map(head => [head.layer, head.q, metric.values[head.row]]) }),
  width => points(page, { label: `${metric.label} of each head over its layer`, width,
    height: Math.min(520, Math.max(300, width * 0.6)),
    x: { label: 'layer', domain: [layers[0] - 0.5, layers.at(-1)! + 0.5],
      ticks: layers.filter((_, i) => thinned(layers.length, width / 45)(i)) },
    y: { label: unitLabel(metric) }, zero: metric.signed }, dots));
}

export const map: View = {
  id: 'map',
  title: 'Map',
  unavailable: report => (report.analyses.some(each => each.metrics.length) ? null : 'The table of heads has no metric.'),
  render(root: HTMLElement, page: Page) {
    const { analysis, state } = page;
    const metric = metricOf(page);
    if (!metric) return root.append('The table of heads has no metric.');  // of this analysis
    const limits = state.limits ?? metric.limits;
    const spec = headMap(page, metric, limits);
    root.append(
      element('div', { class: 'controls' },
        select('metric', 'Metric', metricOptions(analysis), metric.id, id => page.go({ metric: id, limits: null })),
        limitFields(page, metric, limits)),
      element('p', { class: 'lead' }, metric.definition),
      ramp(page, unitLabel(metric), limits, metric),
      element('div', { class: 'beside', '--first': `${Math.max(420, Math.min(700, 110 + 41 * spec.columns.length))}px` },
        chart(page, `${metric.label} of each head`, () => ({
        columns: ['layer', 'q_head', 'k_head', metric.id, ...(metric.low ? ['ci_low', 'ci_high'] : [])],
        rows: analysis.heads.map(head => [head.layer, head.q, head.k, metric.values[head.row],
          ...(metric.low ? [metric.low[head.row], metric.high![head.row]] : [])]),
      }), width => grid(page, { ...spec, room: width }), () => gridPicture(spec)), byLayer(page, metric, limits)),
      element('p', { class: 'note' }, `Hatched: no value, or fewer than ${kFewDocuments} documents. ` +
        'A corner marks heads with a window. ' +
        'Faded: not selected. Enter or a click opens a head; with Shift it is pinned.'));
    return change => Object.keys(change).every(name => name === 'pins');
  },
};
