// All heads, layer by head, coloured by a metric.

import { dots, figure, type Dot } from '../chart.ts';
import { fill, ink, unit } from '../color.ts';
import { say } from '../curves.ts';
import { button, element, setAttributes } from '../dom.ts';
import { exact, short } from '../format.ts';
import { gridFigure, thinned, type GridSpec } from '../grid.ts';
import { chooseMetric, controls, ramp } from '../parts.ts';
import { balanced, extent, headLines, headRows, kFewDocuments, unitLabel } from '../report.ts';
import type { Analysis, Head, Metric } from '../report.ts';
import type { Page, View } from '../view.ts';

export function metricOf({ analysis, state }: Page, id = state.metric): Metric {
  return analysis.metric(id) ?? analysis.metrics[0];
}

export const noMetric = ({ metrics }: Analysis) =>
  (metrics.length ? null : 'The table of heads has no metric.');

// Heads that are not selected are faint.
function fading({ state }: Page): (head: Head) => boolean {
  const chosen = new Set(state.selection);
  return head => chosen.size > 0 && !chosen.has(head.key);
}

// Rows are layers, columns query heads; heads that failed are rows and columns as well.
export function headMap(page: Page, metric: Metric, limits: readonly [number, number]): GridSpec {
  const { analysis } = page, faint = fading(page);
  const failed = new Map<string, string>((analysis.record.heads?.failed ?? []).map(
    ({ layer, q_head, reason }: any) => [`${layer}.${q_head}`, String(reason)]));
  const keys = [...analysis.heads.map(head => head.key), ...failed.keys()];
  const [layers, heads] = [0, 1].map(part =>
    [...new Set(keys.map(key => Number(key.split('.')[part])))].sort((a, b) => a - b));
  const color = (t: number) => fill(t, page.dark, metric.signed);
  return {
    id: `map-${metric.id}`, label: unitLabel(metric),
    scale: { low: short(limits[0]), high: short(limits[1]), color },
    rowTitle: 'layer', columnTitle: 'head', rows: layers.map(String), columns: heads.map(String),
    cell(row, column) {
      const key = `${layers[row]}.${heads[column]}`, head = analysis.head(key), reason = failed.get(key);
      if (!head && reason === undefined) return null;
      const name = `layer ${layers[row]}, head ${heads[column]}`, why = `could not be measured: ${reason}`;
      if (!head) return { label: `${name}: failed`, color: null, lines: () => [name, why] };
      const value = metric.values[head.row];
      return {
        label: `${name}: ${exact(value) || 'no value'}`, key, off: faint(head),
        color: Number.isNaN(value) ? null : color(unit(value, limits)),
        hatched: head.documents < kFewDocuments, mark: !Number.isNaN(head.window),
        lines: () => headLines(analysis, head, [metric]),
      };
    },
  };
}

// Two numbers, the ends of the colours. Values beyond them have the colours of the ends.
function limitFields(page: Page, metric: Metric, limits: readonly [number, number]): HTMLElement[] {
  const [least, most] = extent(metric.values) ?? limits;
  const fields = limits.map((limit, at) => element('input', { id: `limit-${at}`, type: 'number', step: 'any',
    value: Number(limit.toPrecision(4)), onchange: () => {
      const typed = fields[at].valueAsNumber, most = Math.abs(typed);   // 0 stays in the middle of two signs
      const [low, high] = metric.signed ? [-most, most]
        : limits.map((usual, i) => (i === at ? typed : usual));
      if (low < high) page.go({ limits: [low, high] });
      else setAttributes(fields[at], { 'aria-invalid': 'true' });
    } }));
  return [...['Colours from', 'to'].map((name, at) =>
    element('label', { class: 'field' }, element('span', {}, name), fields[at])),
  button('Robust', () => page.go({ limits: null }), { id: 'robust',
    title: '2nd to 98th percentile of the heads', 'aria-pressed': String(!page.state.limits) }),
  button('Full range', () => page.go({ limits: least < most ? [least, most] : null }),
    { id: 'full', title: 'Smallest to largest value' })];
}

// Heads as points: where each is, and the value that its colour stands for.
type Spot = Pick<Dot, 'x' | 'y' | 'xBar' | 'yBar'> & { value: number };
export function headDots(page: Page, heads: readonly Head[], limits: readonly [number, number],
                         signed: boolean, metrics: readonly Metric[], at: (head: Head) => Spot): Dot[] {
  const faint = fading(page);
  return heads.map(head => {
    const { value, ...place } = at(head);
    return { ...place, key: head.key, symbol: Number.isNaN(head.window) ? 0 : 1, faint: faint(head),
      hollow: head.documents < kFewDocuments,
      color: Number.isNaN(value) ? 'var(--edge)' : ink(unit(value, limits), page.dark, signed),
      lines: () => headLines(page.analysis, head, metrics) };
  });
}

// The same values over depth.
function byLayer(page: Page, metric: Metric, limits: readonly [number, number]): HTMLElement {
  const { heads } = page.analysis, value = ({ row }: Head) => metric.values[row];
  const there = heads.filter(head => Number.isFinite(value(head)));
  const spots = headDots(page, there, limits, metric.signed, [metric],
    head => ({ x: head.layer, y: value(head), value: value(head) }));
  const layers = [...new Set(there.map(head => head.layer))].sort((a, b) => a - b);
  const fits = thinned(layers.length, 12);
  return figure(page, `${metric.label} by layer`, { label: `${metric.label} of each head over its layer`,
    height: [300, 0.6, 520], y: { label: unitLabel(metric) }, zero: metric.signed,
    x: { label: 'layer', domain: [layers[0] - 0.5, layers.at(-1)! + 0.5],
      ticks: layers.filter((_, i) => fits(i)) } }, [dots(spots)], () => headRows(heads, [metric]));
}

export const map: View = {
  id: 'map', title: 'Map',
  unavailable: ({ analysis }) => noMetric(analysis),
  render(root: HTMLElement, page: Page) {
    const { analysis, state } = page, metric = metricOf(page);
    const limits = balanced(state.limits ?? metric.limits, metric.signed);
    const spec = headMap(page, metric, limits), wide = 110 + 41 * spec.columns.length;
    root.append(
      controls(chooseMetric(page, analysis.metrics, metric), ...limitFields(page, metric, limits)),
      element('p', { class: 'lead' }, metric.definition),
      ramp(page, unitLabel(metric), limits, metric),
      element('div', { class: 'beside', '--first': `${Math.max(420, Math.min(700, wide))}px` },
        gridFigure(page, `${metric.label} of each head`, spec,
          () => headRows(analysis.heads, [metric], true)), byLayer(page, metric, limits)),
      say('map'));
    return change => Object.keys(change).every(name => name === 'pins');
  },
};
