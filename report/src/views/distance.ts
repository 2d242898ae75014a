// Plasticity over the distance between query and keys: means over heads, one curve per kind of window.

import { lineFigure } from '../chart.ts';
import { documentBars, headsText, isLog, meanSeries, say } from '../curves.ts';
import { count, grouped } from '../format.ts';
import { command, controls, lacks, lacksAll, legend, reachChoice, remark } from '../parts.ts';
import { kFiles } from '../report.ts';
import { meanCurve, pick, type Mean } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const why = lacks(analysis, 'mean_curves');  // the second analysis may lack what the first one has
  if (why) return root.append(remark(why));
  const log = isLog(analysis);
  const all = state.methods.map(method => meanCurve(analysis, 'distance', method));
  const reaches = [...new Set(all.flat().map(point => point.reach))];
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const kinds = [...new Set(all.flat().map(point => point.heads))];
  const curves = kinds.flatMap(kind => all.map(points => points.filter(point => point.heads === kind && point.reach === reach)))
    .filter(points => points.length);
  const at = (point: Mean) => (log ? point.bucket : point.center);
  const apart = (point: Mean) => `${grouped(at(point))} ${log ? 'buckets' : 'tokens'} apart`;
  const series = curves.map((points, i) => meanSeries(`${headsText(points[0].heads)}, ${points[0].method}`, i, points, at, apart));
  const base = [...curves].sort((a, b) => b.length - a.length)[0] ?? [];
  const half = base.length > 1 ? (at(base[1]) - at(base[0])) / 2 : 0.5;
  const x = { label: log ? 'distance (buckets)' : 'distance from query to keys (tokens)',
    domain: base.length ? [at(base[0]) - half, at(base.at(-1)!) + half] as [number, number] : undefined };
  root.append(controls(reachChoice(page, reaches)), legend(page, series),
    lineFigure(page, 'Plasticity over distance', { x, y: { label: 'plasticity' }, height: [280, 0.45, 420],
      label: 'Plasticity over the distance between query and keys, mean over heads' }, series,
    () => curves.flat().map(point => pick(point, 'heads', 'method', 'reach', 'bucket', 'center', 'num_heads', 'documents',
      'ap_mean', 'ci_low', 'ci_high'))),
    documentBars(page, 'Documents behind each distance', x, base, ['center', 'num_heads'], point =>
      ({ from: at(point) - half, to: at(point) + half, lines: [apart(point), count(point.num_heads, 'head')] })));
  if (base.some(point => point.num_heads !== base[0].num_heads)) root.append(say('windows'));
  root.append(meanSlopes(page) ?? '', command(`qkscope plot distance --detail_csv ${kFiles.details}`));
}

export const distance: View = {
  id: 'distance',
  title: 'Distance',
  unavailable: report => lacksAll(report, 'mean_curves'),
  render: draw,
};
