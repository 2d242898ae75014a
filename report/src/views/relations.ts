// Heads as points: any metric over any other, coloured by a third.

import { chart, points, type Dot } from '../chart.ts';
import { ink, unit } from '../color.ts';
import { checkbox, element, select } from '../dom.ts';
import { count } from '../format.ts';
import { ramp } from '../parts.ts';
import { headLines, type Head, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { metricOf, metricOptions, unitLabel } from './map.ts';

function barOf(metric: Metric, head: Head): [number, number] | undefined {
  const low = metric.low?.[head.row] ?? NaN, high = metric.high?.[head.row] ?? NaN;
  return Number.isNaN(low + high) ? undefined : [low, high];
}

const inside = (value: number, [low, high]: [number, number]) => value >= low && value <= high;

export const relations: View = {
  id: 'relations',
  title: 'Relations',
  unavailable: report => (report.analyses.some(each => each.metrics.length > 1) ? null : 'The table of heads has fewer than two metrics.'),
  render(root: HTMLElement, page: Page) {
    const { analysis, state } = page;
    const x = metricOf(page, state.x), y = metricOf(page, state.y), paint = metricOf(page);
    if (!x) return root.append('The table of heads has no metric.');  // of this analysis
    const byLayer = state.choice.dots === 'layer';
    const layers = analysis.heads.map(head => head.layer);
    const limits: [number, number] = byLayer ? [Math.min(...layers), Math.max(...layers, layers[0] + 1)] : paint.limits;
    const signed = !byLayer && paint.signed;
    const chosen = new Set(state.selection);
    const bars = state.choice.bars === 'show';
    const there = analysis.heads.filter(head => Number.isFinite(x.values[head.row]) && Number.isFinite(y.values[head.row]));
    const dots = there.map((head): Dot => {
      const value = byLayer ? head.layer : paint.values[head.row];
      return { x: x.values[head.row], y: y.values[head.row], key: head.key, symbol: Number.isNaN(head.window) ? 0 : 1,
        color: Number.isNaN(value) ? 'var(--edge)' : ink(unit(value, limits), page.dark, signed),
        faint: chosen.size > 0 && !chosen.has(head.key), lines: headLines(analysis, head, byLayer ? [x, y] : [x, y, paint]),
        ...(bars && { xBar: barOf(x, head), yBar: barOf(y, head) }) };
    });
    const options = metricOptions(analysis);
    const missing = analysis.heads.length - there.length;
    root.append(
      element('div', { class: 'controls' },
        select('x', 'Across', options, x.id, id => page.go({ x: id })),
        select('y', 'Up', options, y.id, id => page.go({ y: id })),
        select('paint', 'Colour', [['layer', 'layer'], ...options], byLayer ? 'layer' : paint.id, id => page.go(id === 'layer'
          ? { choice: { ...state.choice, dots: 'layer' } } : { choice: { ...state.choice, dots: 'metric' }, metric: id, limits: null })),
        checkbox('bars', 'Intervals', bars, on => page.go({ choice: { ...state.choice, bars: on ? 'show' : 'hide' } }))),
      ramp(page, byLayer ? 'layer' : unitLabel(paint), limits, { signed, points: true }),
      chart(page, `${y.label} over ${x.label}`, () => ({
        columns: ['layer', 'q_head', 'k_head', x.id, y.id, paint.id],
        rows: analysis.heads.map(({ layer, q, k, row }) => [layer, q, k, x.values[row], y.values[row], paint.values[row]]),
      }), width => points(page, { label: `${count(there.length, 'head')}: ${y.label} over ${x.label}`, width,
        height: Math.min(560, Math.max(320, width * 0.55)),
        x: { label: unitLabel(x) }, y: { label: unitLabel(y) }, zero: y.signed, zeroX: x.signed }, dots, {
        brush: (across, up) => page.go({ selection: there.filter(({ row }) => inside(x.values[row], across) &&
          inside(y.values[row], up)).map(head => head.key) }),
      })),
      element('p', { class: 'note' }, 'A circle is a head that sees the whole document, a square one with a window. ' +
        'Draw a rectangle to select heads in all views; by keyboard, filter them in Heads. A click opens a head.' +
        (missing ? ` ${count(missing, 'head')} without one of the values not shown.` : '')));
    return change => Object.keys(change).every(name => name === 'pins');
  },
};
