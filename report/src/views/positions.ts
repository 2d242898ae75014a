// Plasticity over the position of the query: all heads, their mean, and those that are chosen.

import { bundle, type BundleView, type Thread } from '../bundle.ts';
import { bars, chart, type Axis, type Series } from '../chart.ts';
import { category, ink } from '../color.ts';
import { checkbox, select } from '../dom.ts';
import { count, exact, grouped } from '../format.ts';
import { command, controls, lacks, lacksAll, legend, methodChoice, methodOf, ramp, reachChoice, remark, type Entry } from '../parts.ts';
import { headName, kFewDocuments, type Analysis, type Head, type Point } from '../report.ts';
import { meanCurve, span, trend, type MeanPoint, type Trend } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';

const kTrends: Record<Trend, Entry> = {
  rises: { name: 'rises', style: 2, dashes: '' }, falls: { name: 'falls', style: 1, dashes: '7 3' },
  flat: { name: 'neither', style: 6, dashes: '2 2' }, unknown: { name: 'no interval', style: 7, dashes: '1 4' },
};

const middle = (point: { from: number; to: number }) => (point.from + point.to) / 2;

export function pointLines(name: string, point: Point): string[] {
  return [name, `positions ${grouped(point.from)} to ${grouped(point.to)}`, `plasticity ${exact(point.value)}`,
    Number.isNaN(point.low) ? 'no interval' : `interval ${exact(point.low)} to ${exact(point.high)}`,
    `${count(point.documents, 'document')}, ${count(point.queries, 'query', 'queries')}, ${count(point.pairs, 'pair')}`];
}

export function pointSeries(name: string, style: number, points: Point[], width = 2): Series {
  return { name, style, width, x: points.map(middle), y: points.map(p => p.value), low: points.map(p => p.low),
    high: points.map(p => p.high), thin: points.map(p => p.documents < kFewDocuments), lines: i => pointLines(name, points[i]) };
}

// How many documents stand behind each of the points of a curve.
// `columns` and `row`: of the table, as the file has them.
export function documentBars(page: Page, title: string, x: Axis, columns: string[],
                             points: { from: number; to: number; documents: number; lines: string[]; row: number[] }[]): HTMLElement {
  return chart(page, title, () => ({ columns, rows: points.map(p => p.row) }),
    width => bars(page, { label: title, width, height: 120, x, y: { label: 'documents' } }, points.map(({ from, to, documents, lines }) =>
      ({ from: Math.max(from, x.log ? 1 : -Infinity), to, value: documents, hollow: documents < kFewDocuments, lines: [...lines, count(documents, 'document')] }))));
}

export function meanSeries(name: string, style: number, points: MeanPoint[], x: (point: MeanPoint) => number, where: (point: MeanPoint) => string): Series {
  return { name, style, width: 3, x: points.map(x), y: points.map(p => p.value), low: points.map(p => p.low), high: points.map(p => p.high),
    thin: points.map(p => p.documents < kFewDocuments), lines: i => [`${name}: mean over ${count(points[i].count, 'head')}`, where(points[i]), `plasticity ${exact(points[i].value)}`,
      Number.isNaN(points[i].low) ? 'no interval' : `interval ${exact(points[i].low)} to ${exact(points[i].high)}`, count(points[i].documents, 'document')] };
}

// The mean over the selected heads, which is the page's own: no interval.
function selectedMean(curves: Point[][], style: number): Series {
  const sums = new Map<number, { x: number; sum: number; n: number }>();  // by bucket
  for (const point of curves.flat()) {
    const at = sums.get(point.bucket) ?? { x: middle(point), sum: 0, n: 0 };
    if (Number.isFinite(point.value)) sums.set(point.bucket, { x: at.x, sum: at.sum + point.value, n: at.n + 1 });
  }
  const means = [...sums.values()].sort((a, b) => a.x - b.x);
  return { name: `mean of the ${curves.length} selected heads (no interval)`, style, width: 3,
    x: means.map(({ x }) => x), y: means.map(({ sum, n }) => sum / n) };
}

// The limits of all values, with some room.
export function domain(values: number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const room = (high - low || 0.1) * 0.04;
  return low <= high ? [low - room, high + room] : [0, 1];
}

export const isLog = (analysis: Analysis) => analysis.record?.buckets?.type === 'log';

// Colour and dashes of a head.
function inkOf(page: Page, head: Head, layers: number): { color: string; dashes: string } {
  if (page.state.choice.curves !== 'trend') return { color: ink(layers > 1 ? head.layer / (layers - 1) : 0.5, page.dark), dashes: '' };
  const { style, dashes } = kTrends[trend(page.analysis, head, methodOf(page))];
  return { color: category(style, page.dark), dashes: dashes! };
}

function trendCounts(page: Page, heads: Head[]): Entry[] {
  const method = methodOf(page), kinds = heads.map(head => trend(page.analysis, head, method));
  return (Object.keys(kTrends) as Trend[]).filter(kind => kinds.includes(kind))
    .map(kind => ({ ...kTrends[kind], name: `${kTrends[kind].name}${method && ` (${method})`}: ${count(kinds.filter(other => other === kind).length, 'head')}` }));
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const why = lacks(analysis, 'positions');  // the second analysis may lack what the first one has
  if (why) return root.append(remark(why));
  const method = methodOf(page);
  const reaches = analysis.distinct('positions', 'reach');
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const chosen = new Set([...state.selection, ...state.pins]);
  const curves = analysis.heads.map(head => ({ head, points: analysis.positions(head.key, method, reach) })).filter(each => each.points.length);
  const layers = Math.max(...analysis.heads.map(head => head.layer)) + 1;
  const shown = state.choice.others === 'hide' && chosen.size ? curves.filter(each => chosen.has(each.head.key)) : curves;
  const threads: Thread[] = shown.map(({ head, points }) => ({ head, ...inkOf(page, head, layers), bold: chosen.has(head.key),
    x: points.map(middle), y: points.map(p => p.value), documents: points.map(p => p.documents) }));
  const mean = meanCurve(analysis, 'position', method).filter(point => point.reach === reach);
  const groups = [...new Set(mean.map(point => point.heads))];
  const series = groups.map((name, i) => meanSeries(`mean, ${name === 'all' ? 'all heads' : name.replaceAll('_', ' ')}`, i === 0 ? 0 : i + 1,
    mean.filter(point => point.heads === name), p => p.center, p => `positions ${grouped(p.from)} to ${grouped(p.to)}`));
  const selected = curves.filter(each => state.selection.includes(each.head.key)).map(each => each.points);
  if (selected.length > 1) series.push(selectedMean(selected, 4));
  state.pins.forEach((key, i) => {
    const head = analysis.head(key), points = curves.find(each => each.head.key === key)?.points;
    if (head && points) series.push(pointSeries(headName(head), 3 + i, points));
  });
  const base = groups.length ? mean.filter(point => point.heads === groups[0]) : [];
  const log = isLog(analysis);
  const x = { label: 'position of the query (tokens)', log, domain: span([...base, ...shown.flatMap(each => each.points)], log) };
  const y = domain([...threads.flatMap(thread => thread.y), ...series.flatMap(each => Array.from(each.y))].filter(Number.isFinite));
  let view: BundleView | null = null;
  root.append(
    controls(select('curves', 'Colour', [['layer', 'layer'], ['trend', 'trend over position']], state.choice.curves,
      value => page.go({ choice: { ...state.choice, curves: value } })), methodChoice(page), reachChoice(page, reaches),
    chosen.size ? checkbox('others', 'only chosen heads', state.choice.others === 'hide',
      checked => page.go({ choice: { ...state.choice, others: checked ? 'hide' : 'show' } })) : null),
    legend(page, series.map(({ name, style, low }) => ({ name, style, symbols: true, band: !!low }))),
    state.choice.curves === 'trend' ? legend(page, trendCounts(page, shown.map(each => each.head))) : ramp(page, 'layer', [0, layers - 1], { points: true }),
    chart(page, 'Plasticity over position', () => ({
      columns: ['layer', 'q_head', 'method', 'q_bucket', 'position_from', 'position_to', 'ap_mean', 'ci_low', 'ci_high', 'documents'],
      rows: shown.flatMap(({ head, points }) => points.map(p => [head.layer, head.q, method, p.bucket, p.from, p.to, p.value, p.low, p.high, p.documents])),
    }), width => {
      view = bundle(page, { label: `Plasticity over the position of the query: ${count(shown.length, 'head')} and their mean`, width,
        height: Math.min(460, Math.max(300, width * 0.5)), x, y: { label: 'plasticity', domain: y } }, threads, series);
      return view.root;
    }, () => view!.picture()));
  if (base.length) root.append(documentBars(page, 'Documents behind each bucket', x, ['from', 'to', 'documents'], base.map(p =>
    ({ from: p.from, to: p.to + 1, documents: p.documents, row: [p.from, p.to, p.documents], lines: [`positions ${grouped(p.from)} to ${grouped(p.to)}`] }))));
  root.append(remark(`The band is the interval of the mean over documents: how far the mean would move with other documents, not how much heads differ. ` +
    `Where fewer than ${kFewDocuments} documents reach, lines are dotted and bars hollow. A later query has more and farther keys, so this curve mixes position with distance; the slopes below separate them.`));
  if (reach === '' && reaches.some(Boolean)) root.append(remark('Only long documents reach the late buckets. Choose those that reach a bucket: the same documents then stand behind every point.'));
  root.append(meanSlopes(page) ?? '', command(`qkscope plot plasticity --bucket_csv head_bucket_plasticity.csv --method ${method}${state.choice.curves === 'trend' ? ' --color_trend' : ' --color_by_layer'}`));
}

export const positions: View = {
  id: 'positions',
  title: 'Positions',
  unavailable: report => lacksAll(report, 'positions'),
  render: draw,
};
