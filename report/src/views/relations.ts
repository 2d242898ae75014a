// Heads as points: any metric over any other, coloured by a third.

import { dots, figure } from '../chart.ts';
import { say } from '../curves.ts';
import { select } from '../dom.ts';
import { count } from '../format.ts';
import { chooseIf, controls, metricOptions, ramp } from '../parts.ts';
import { headRows, intervalOf, unitLabel } from '../report.ts';
import type { Page, View } from '../view.ts';
import { headDots, metricOf } from './map.ts';

const inside = (value: number, [low, high]: [number, number]) => value >= low && value <= high;

export const relations: View = {
  id: 'relations', title: 'Relations',
  unavailable: ({ analysis }) => (analysis.metrics.length > 1 ? null
    : 'The table of heads has fewer than two metrics.'),
  render(root: HTMLElement, page: Page) {
    const { analysis: { heads, metrics }, state } = page;
    const x = metricOf(page, state.x), y = metricOf(page, state.y), paint = metricOf(page);
    const byLayer = state.dots === 'layer', signed = !byLayer && paint.signed;
    const layers = heads.map(head => head.layer);
    const depth = [Math.min(...layers), Math.max(...layers, layers[0] + 1)] as const;
    const limits = byLayer ? depth : paint.limits;
    const there = heads.filter(({ row }) => Number.isFinite(x.values[row]) && Number.isFinite(y.values[row]));
    const spots = headDots(page, there, limits, signed, byLayer ? [x, y] : [x, y, paint], head => ({
      x: x.values[head.row], y: y.values[head.row], value: byLayer ? head.layer : paint.values[head.row],
      ...(state.bars === 'show' && { xBar: intervalOf(x, head), yBar: intervalOf(y, head) }) }));
    const options = metricOptions(metrics), missing = heads.length - there.length;
    const title = `${y.label} over ${x.label}`;
    root.append(
      controls(select('x', 'Across', options, x.id, id => page.go({ x: id })),
        select('y', 'Up', options, y.id, id => page.go({ y: id })),
        select('paint', 'Colour', [['layer', 'layer'], ...options], byLayer ? 'layer' : paint.id, id =>
          page.go(id === 'layer' ? { dots: id } : { dots: 'metric', metric: id, limits: null })),
        chooseIf(page, 'bars')),
      ramp(page, byLayer ? 'layer' : unitLabel(paint), limits, { signed, points: true }),
      figure(page, title, { label: `${count(there.length, 'head')}: ${title}`, height: [320, 0.55, 560],
        x: { label: unitLabel(x) }, y: { label: unitLabel(y) }, zero: y.signed, zeroX: x.signed,
        brush: (across, up) => page.go({ selection: there.filter(({ row }) =>
          inside(x.values[row], across) && inside(y.values[row], up)).map(head => head.key) }),
      }, [dots(spots)], () => headRows(heads, [x, y, paint])),
      say('relations', missing > 0 && `${count(missing, 'head')} without one of the values not shown.`));
    return change => Object.keys(change).every(name => name === 'pins');
  },
};
