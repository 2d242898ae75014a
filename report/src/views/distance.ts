// Plasticity over the distance between query and keys: means over heads, one curve per kind of window.

import { bars, chart, lines, type Series } from '../chart.ts';
import { element, table } from '../dom.ts';
import { count, grouped, interval, short } from '../format.ts';
import { controls, lacks, legend, reachChoice, remark, section } from '../parts.ts';
import { kFewDocuments, kFiles, type Analysis } from '../report.ts';
import { meanCurve, type MeanPoint } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanLines, trendTable } from './positions.ts';

const heads = (name: string) => (name === 'all' ? 'all heads' : name.replaceAll('_', ' '));

function distanceSeries(name: string, style: number, points: MeanPoint[], log: boolean): Series {
  return { name, style, width: 2.5, x: points.map(p => (log ? p.bucket : p.center)), y: points.map(p => p.value), low: points.map(p => p.low),
    high: points.map(p => p.high), thin: points.map(p => p.documents < kFewDocuments),
    lines: i => meanLines(name, points[i], log ? `${points[i].bucket} buckets apart` : `${grouped(points[i].center)} tokens apart`) };
}

// Heads whose own slope over distance is surely above or below 0, and how many are expected by chance.
function slopes(analysis: Analysis): HTMLElement | null {
  const metric = analysis.metric('trend:distance');
  if (!metric?.low) return null;
  const sure = analysis.heads.filter(({ row }) => metric.low![row] > 0 || metric.high![row] < 0);
  const rows = [...sure].sort((a, b) => Math.abs(metric.values[b.row]) - Math.abs(metric.values[a.row])).slice(0, 10);
  return element('div', {}, remark(`${count(sure.length, 'head')} of ${analysis.heads.length} have a slope whose interval lies on one side of 0; ` +
    `chance alone would give about ${Math.round(analysis.heads.length * (1 - (analysis.record?.confidence ?? 0.95)))}.`),
  table(`The steepest of them (${metric.unit || 'slope'})`, ['layer', 'head', 'slope', 'interval', 'window'],
    rows.map(head => [head.layer, head.q, short(metric.values[head.row]), interval(metric.low![head.row], metric.high![head.row]),
      Number.isNaN(head.window) ? 'none' : head.window])));
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
  root.append(chart(page, 'Documents behind each distance', () => ({ columns: ['center', 'documents', 'heads'], rows: base.map(p => [p.center, p.documents, p.count]) }),
    width => bars(page, { label: 'Documents per distance', width, height: 130, x: { label: axis }, y: { label: 'documents' } },
      base.map(p => ({ from: at(p) - half, to: at(p) + half, value: p.documents, hollow: p.documents < kFewDocuments,
        lines: [`${grouped(at(p))} ${log ? 'buckets' : 'tokens'} apart`, count(p.documents, 'document'), count(p.count, 'head')] })))));
  if (base.some(point => point.count !== base[0].count)) {
    root.append(remark('Heads with a sliding window do not reach far: at larger distances the mean is over fewer heads. The curves of each kind of window do not mix them.'));
  }
  const trends = trendTable(analysis);
  if (trends) root.append(section('Trends', trends));
  const own = slopes(analysis);
  if (own) root.append(section('Heads over distance', own));
  root.append(remark('The figure of a paper: '), element('pre', {}, `qkscope plot distance --detail_csv ${kFiles.details}`));
}

export const distance: View = {
  id: 'distance',
  title: 'Distance',
  unavailable: report => lacks(report.analyses[0], 'mean_curves'),
  render: draw,
};
