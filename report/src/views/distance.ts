// Plasticity over the distance between query and keys: means over heads, one curve per kind of window.

import { chart, lines } from '../chart.ts';
import { count, grouped } from '../format.ts';
import { command, controls, lacks, lacksAll, legend, reachChoice, remark } from '../parts.ts';
import { kFiles } from '../report.ts';
import { meanCurve, type MeanPoint } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';
import { documentBars, meanSeries } from './positions.ts';

const heads = (name: string) => (name === 'all' ? 'all heads' : name.replaceAll('_', ' '));

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const why = lacks(analysis, 'mean_curves');  // the second analysis may lack what the first one has
  if (why) return root.append(remark(why));
  const log = analysis.record?.buckets?.type === 'log';
  const all = analysis.methods.flatMap(method => meanCurve(analysis, 'distance', method));
  const reaches = [...new Set(all.map(point => point.reach))];
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const points = all.filter(point => point.reach === reach);
  const groups = [...new Set(points.map(point => point.heads))];
  const axis = log ? 'distance (buckets)' : 'distance from query to keys (tokens)';
  const curves = groups.flatMap(name => state.methods.map(method => ({ name, method,
    points: points.filter(point => point.heads === name && point.method === method) })).filter(each => each.points.length));
  const at = (point: MeanPoint) => (log ? point.bucket : point.center);
  const apart = (point: MeanPoint) => `${grouped(at(point))} ${log ? 'buckets' : 'tokens'} apart`;
  const series = curves.map((each, i) => meanSeries(`${heads(each.name)}, ${each.method}`, i, each.points, at, apart));
  const base = [...curves].sort((a, b) => b.points.length - a.points.length)[0]?.points ?? [];
  const half = base.length > 1 ? (at(base[1]) - at(base[0])) / 2 : 0.5;
  const x = { label: axis, domain: base.length ? [at(base[0]) - half, at(base.at(-1)!) + half] as [number, number] : undefined };
  root.append(controls(reachChoice(page, reaches)),
    legend(page, series.map(({ name, style }) => ({ name, style, symbols: true, band: true }))),
    chart(page, 'Plasticity over distance', () => ({
      columns: ['heads', 'method', 'reach', 'bucket', 'center', 'num_heads', 'documents', 'ap_mean', 'ci_low', 'ci_high'],
      rows: curves.flatMap(each => each.points.map(p => [p.heads, p.method, p.reach, p.bucket, p.center, p.count, p.documents, p.value, p.low, p.high])),
    }), width => lines(page, { label: 'Plasticity over the distance between query and keys, mean over heads', width,
      height: Math.min(420, Math.max(280, width * 0.45)), x, y: { label: 'plasticity' } }, series)));
  root.append(documentBars(page, 'Documents behind each distance', x, ['center', 'num_heads', 'documents'], base.map(p =>
    ({ row: [p.center, p.count, p.documents], from: at(p) - half, to: at(p) + half, documents: p.documents, lines: [apart(p), count(p.count, 'head')] }))));
  if (base.some(point => point.count !== base[0].count)) {
    root.append(remark('Heads with a sliding window do not reach far: at larger distances the mean is over fewer heads. The curves of each kind of window do not mix them.'));
  }
  root.append(meanSlopes(page) ?? '', command(`qkscope plot distance --detail_csv ${kFiles.details}`));
}

export const distance: View = {
  id: 'distance',
  title: 'Distance',
  unavailable: report => lacksAll(report, 'mean_curves'),
  render: draw,
};
