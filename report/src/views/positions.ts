// Plasticity over the position of the query: all heads, their mean, and those that are chosen.

import { bundle, lineFigure, type Series, type Thread } from '../chart.ts';
import { category, ink } from '../color.ts';
import { documentBars, ends, headCurve, headsText, meanSeries, middle, positionAxis, range, say } from '../curves.ts';
import { count, exact } from '../format.ts';
import { choose, chooseIf, command, controls, lacks, lacksAll, legend, methodChoice, methodOf, ramp, reachChoice, remark,
  type Entry } from '../parts.ts';
import { headName, type Head } from '../report.ts';
import { average, meanCurve, pick, positions as pointsOf, roomy, trend, type Mean, type Point, type Trend } from '../series.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';

const kTrends: Record<Trend, Entry & { dashes: string }> = {
  rises: { name: 'rises', style: 2, dashes: '', symbols: false },
  falls: { name: 'falls', style: 1, dashes: '7 3', symbols: false },
  flat: { name: 'neither', style: 6, dashes: '2 2', symbols: false },
  unknown: { name: 'no interval', style: 7, dashes: '1 4', symbols: false },
};

interface HeadCurve { head: Head; points: Point[] }

const layersOf = (page: Page) => Math.max(...page.analysis.heads.map(head => head.layer)) + 1;

// Colour and dashes of a head.
function inkOf(page: Page, head: Head, layers: number): { color: string; dashes: string } {
  if (page.state.choice.curves !== 'trend') {
    return { color: ink(layers > 1 ? head.layer / (layers - 1) : 0.5, page.dark), dashes: '' };
  }
  const { style, dashes } = kTrends[trend(page.analysis, head, methodOf(page))];
  return { color: category(style, page.dark), dashes };
}

function inkLegend(page: Page, curves: HeadCurve[]): HTMLElement {
  if (page.state.choice.curves !== 'trend') return ramp(page, 'layer', [0, layersOf(page) - 1], { points: true });
  const method = methodOf(page), found = curves.map(({ head }) => trend(page.analysis, head, method));
  const entries = (Object.keys(kTrends) as Trend[]).map(kind => ({ ...kTrends[kind], heads: found.filter(each => each === kind).length }));
  return legend(page, entries.filter(({ heads }) => heads > 0).map(({ heads, name, ...entry }) =>
    ({ ...entry, name: `${name}${method && ` (${method})`}: ${count(heads, 'head')}` })));
}

function threadsOf(page: Page, curves: HeadCurve[], chosen: Set<string>): Thread[] {
  const layers = layersOf(page);
  return curves.map(({ head, points }) => ({ key: head.key, ...inkOf(page, head, layers), bold: chosen.has(head.key),
    x: points.map(middle), y: points.map(point => point.ap_mean),
    lines: (i: number) => [headName(head), range(points[i].position_from, points[i].position_to),
      `plasticity ${exact(points[i].ap_mean)}`, count(points[i].documents, 'document')] }))
    .sort((a, b) => Number(a.bold) - Number(b.bold));
}

// The mean over the selected heads, which is the page's own: no interval.
function selectedMean(curves: HeadCurve[]): Series {
  const all = curves.flatMap(each => each.points);
  const buckets = [...new Map(all.map(point => [point.q_bucket, middle(point)]))].sort((a, b) => a[1] - b[1]);
  return { name: `mean of the ${curves.length} selected heads (no interval)`, style: 4, width: 3, x: buckets.map(([, x]) => x),
    y: buckets.map(([bucket]) => average(all.filter(point => point.q_bucket === bucket).map(point => point.ap_mean))) };
}

// The means over heads of each kind of window, the mean of the selected heads, and the pinned ones.
function seriesOf({ analysis, state }: Page, means: Mean[], curves: HeadCurve[]): Series[] {
  const kinds = [...new Set(means.map(point => point.heads))];
  const series = kinds.map((kind, i) => meanSeries(`mean, ${headsText(kind)}`, i === 0 ? 0 : i + 1,
    means.filter(point => point.heads === kind), point => point.center, point => range(point.from, point.to)));
  const selected = curves.filter(({ head }) => state.selection.includes(head.key));
  if (selected.length > 1) series.push(selectedMean(selected));
  state.pins.forEach((key, i) => {
    const pinned = curves.find(({ head }) => head.key === key);
    if (pinned) series.push(headCurve(headName(analysis.head(key)!), 3 + i, pinned.points));
  });
  return series;
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const why = lacks(analysis, 'positions');  // the second analysis may lack what the first one has
  if (why) return root.append(remark(why));
  const method = methodOf(page), reaches = analysis.distinct('positions', 'reach');
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const chosen = new Set([...state.selection, ...state.pins]);
  const curves = analysis.heads.map(head => ({ head, points: pointsOf(analysis, head.key, method, reach) }))
    .filter(each => each.points.length);
  const shown = state.choice.others === 'hide' && chosen.size ? curves.filter(({ head }) => chosen.has(head.key)) : curves;
  const means = meanCurve(analysis, 'position', method).filter(point => point.reach === reach);
  const series = seriesOf(page, means, curves), threads = threadsOf(page, shown, chosen);
  const base = means.filter(point => point.heads === means[0].heads);
  const x = positionAxis(analysis, [...base.flatMap(point => [point.from, point.to]), ...shown.flatMap(each => ends(each.points))]);
  const y = { label: 'plasticity', domain: roomy([...threads, ...series].flatMap(each => Array.from(each.y))) };
  root.append(
    controls(choose(page, 'curves', 'Colour', [['layer', 'layer'], ['trend', 'trend over position']]), methodChoice(page),
      reachChoice(page, reaches), chosen.size ? chooseIf(page, 'others', 'only chosen heads', 'hide', 'show') : null),
    legend(page, series), inkLegend(page, shown),
    lineFigure(page, 'Plasticity over position', { x, y, height: [300, 0.5, 460], under: bundle(threads),
      label: `Plasticity over the position of the query: ${count(shown.length, 'head')} and their mean` }, series,
    () => shown.flatMap(({ head, points }) => points.map(point => ({ layer: head.layer, q_head: head.q, method,
      ...pick(point, 'q_bucket', 'position_from', 'position_to', 'ap_mean', 'ci_low', 'ci_high', 'documents') })))));
  if (base.length) {
    root.append(documentBars(page, 'Documents behind each bucket', x, base, ['from', 'to'],
      ({ from, to }) => ({ from, to: to + 1, lines: [range(from, to)] })));
  }
  root.append(say('position curves'));
  if (reach === '' && reaches.some(Boolean)) root.append(say('late buckets'));
  root.append(meanSlopes(page) ?? '', command('qkscope plot plasticity --bucket_csv head_bucket_plasticity.csv --method ' +
    `${method}${state.choice.curves === 'trend' ? ' --color_trend' : ' --color_by_layer'}`));
}

export const positions: View = {
  id: 'positions',
  title: 'Positions',
  unavailable: report => lacksAll(report, 'positions'),
  render: draw,
};
