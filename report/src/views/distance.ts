// Plasticity over the distance between query and keys: means over heads, one curve per kind of window.

import type { Axis } from '../chart.ts';
import { curve, curveFigure, documentBars, headsText, isLog, type Mean, meanCurve, say } from '../curves.ts';
import { command, controls, legend, reachChoice } from '../parts.ts';
import { extent } from '../report.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const all = state.methods.flatMap(method => meanCurve(analysis, 'distance', method));
  const reaches = [...new Set(all.map(point => point.reach))];
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const log = isLog(analysis), kind = log ? 'buckets' : 'tokens';
  const at = (point: Mean) => (log ? point.bucket : point.center);
  const points = all.filter(point => point.reach === reach).sort((a, b) => a.heads.localeCompare(b.heads));
  const curves = new Map(points.map(({ heads, method }) => [`${headsText(heads)}, ${method}`,
    points.filter(point => point.heads === heads && point.method === method)]));
  const series = [...curves].map(([name, points], style) => curve(kind, points, { name, style, width: 3 }));
  const base = [...curves.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  const half = base.length > 1 ? (at(base[1]) - at(base[0])) / 2 : 0.5;
  const limits = extent(base.map(at));
  const x: Axis = { label: log ? 'distance (buckets)' : 'distance from query to keys (tokens)',
    domain: limits && [limits[0] - half, limits[1] + half] };
  root.append(controls(reachChoice(page, reaches)), legend(page, series),
    curveFigure(page, 'Plasticity over distance', series, () => points.map(({ from, to, ...rest }) => rest),
      { x }),
    documentBars(page, kind, 'Documents behind each distance', x, base, ['center', 'num_heads'], point =>
      ({ from: at(point) - half, to: at(point) + half })));
  if (base.some(point => point.num_heads !== base[0].num_heads)) root.append(say('windows'));
  root.append(meanSlopes(page), command(page, 'distance') ?? '');
}

export const distance: View = { id: 'distance', title: 'Distance', needs: 'mean_curves', render: draw };
