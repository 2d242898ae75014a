// Plasticity over the distance between query and keys: means over heads, one curve per kind of window.

import { bars, chart, lines, type Series } from '../chart.ts';
import { count, grouped } from '../format.ts';
import { command, controls, lacks, legend, reachChoice, remark } from '../parts.ts';
import { kFewDocuments, kFiles } from '../report.ts';
import { meanCurve, type MeanPoint } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';
import { meanLines } from './positions.ts';

const heads = (name: string) => (name === 'all' ? 'all heads' : name.replaceAll('_', ' '));

function distanceSeries(name: string, style: number, points: MeanPoint[], log: boolean): Series {
  return { name, style, width: 2.5, x: points.map(p => (log ? p.bucket : p.center)), y: points.map(p => p.value), low: points.map(p => p.low),
    high: points.map(p => p.high), thin: points.map(p => p.documents < kFewDocuments),
    lines: i => meanLines(name, points[i], log ? `${points[i].bucket} buckets apart` : `${grouped(points[i].center)} tokens apart`) };
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const log = analysis.record?.buckets?.type === 'log';
  const all = analysis.methods.flatMap(method => meanCurve(analysis, 'distance', method));
  const reaches = [...new Set(all.map(point => point.reach))];
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const points = all.filter(point => point.reach === reach);
  const groups = [...new Set(points.map(point => point.heads))];
  const axis = log ? 'distance (buckets)' : 'distance from query to keys (tokens)';
  const curves = groups.flatMap(name => state.methods.map(method => ({ name, method,
    points: points.filter(point => point.heads === name && point.method === method) })).filter(each => each.points.length));
  const series = curves.map((each, i) => distanceSeries(`${heads(each.name)}, ${each.method}`, i, each.points, log));
  root.append(controls(reachChoice(page, reaches)),
    legend(page, series.map(({ name, style }) => ({ name, style, symbols: true, band: true }))),
    chart(page, 'Plasticity over distance', () => ({
      columns: ['heads', 'method', 'reach', 'bucket', 'center', 'num_heads', 'documents', 'ap_mean', 'ci_low', 'ci_high'],
      rows: curves.flatMap(each => each.points.map(p => [p.heads, p.method, p.reach, p.bucket, p.center, p.count, p.documents, p.value, p.low, p.high])),
    }), width => lines(page, { label: 'Plasticity over the distance between query and keys, mean over heads', width,
      height: Math.min(420, Math.max(280, width * 0.45)), x: { label: axis }, y: { label: 'plasticity' } }, series)));
  const base = curves[0]?.points ?? [];
  const half = base.length > 1 ? ((log ? base[1].bucket - base[0].bucket : base[1].center - base[0].center) / 2) : 0.5;
  const at = (point: MeanPoint) => (log ? point.bucket : point.center);
  root.append(chart(page, 'Documents behind each distance', () => ({ columns: ['center', 'documents', 'num_heads'], rows: base.map(p => [p.center, p.documents, p.count]) }),
    width => bars(page, { label: 'Documents per distance', width, height: 130, x: { label: axis }, y: { label: 'documents' } },
      base.map(p => ({ from: at(p) - half, to: at(p) + half, value: p.documents, hollow: p.documents < kFewDocuments,
        lines: [`${grouped(at(p))} ${log ? 'buckets' : 'tokens'} apart`, count(p.documents, 'document'), count(p.count, 'head')] })))));
  if (base.some(point => point.count !== base[0].count)) {
    root.append(remark('Heads with a sliding window do not reach far: at larger distances the mean is over fewer heads. The curves of each kind of window do not mix them.'));
  }
  root.append(meanSlopes(analysis) ?? '', command(`qkscope plot distance --detail_csv ${kFiles.details}`));
}

export const distance: View = {
  id: 'distance',
  title: 'Distance',
  unavailable: report => lacks(report.analyses[0], 'mean_curves'),
  render: draw,
};
