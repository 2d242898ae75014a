// Plasticity over the position of the query: all heads, their mean, and those that are chosen.

import { bundle, type Series } from '../chart.ts';
import { category, ink } from '../color.ts';
import { average, curve, curveFigure, documentBars, ends, headsText, joined, type Mean, meanCurve, pick,
  type Point, positionAxis, positions as pointsOf, roomy, say } from '../curves.ts';
import { count } from '../format.ts';
import { choose, chooseIf, command, controls, legend, methodChoice, methodOf, ramp,
  reachChoice, word } from '../parts.ts';
import { headName, type Head } from '../report.ts';
import type { Page, View } from '../view.ts';
import { meanSlopes } from './overview.ts';

const kTrends: Record<string, { name: string; style: number; dashes: string }> = {
  rises: { name: 'rises', style: 2, dashes: '' },
  falls: { name: 'falls', style: 1, dashes: '7 3' },
  flat: { name: 'neither', style: 6, dashes: '3 3' },
  unknown: { name: 'no interval', style: 7, dashes: '9 3 2 3' },
};

interface HeadCurve { head: Head; points: Point[] }
interface Ink { color: string; dashes: string }

// Colour and dashes of heads, and what they mean.
function inks(page: Page, curves: HeadCurve[]): { of(head: Head): Ink; key: HTMLElement } {
  const last = Math.max(...page.analysis.heads.map(head => head.layer)), method = methodOf(page);
  if (page.state.curves !== 'trend') {
    return { of: head => ({ color: ink(last > 0 ? head.layer / last : 0.5, page.dark), dashes: '' }),
      key: ramp(page, 'layer', [0, last], { points: true }) };
  }
  // By the interval of the slope over position at fixed distance, of all documents.
  const trends = new Map(curves.map(({ head }) => {
    const [trend] = page.analysis.records('trends', { verdict: '' }, head.key,
      { trend: 'position', method, reach: '' });
    return [head, kTrends[trend?.verdict ?? 'unknown']];
  }));
  const number = (kind: object) => [...trends.values()].filter(each => each === kind).length;
  const of = (head: Head) => {
    const { style, dashes } = trends.get(head)!;
    return { color: category(style, page.dark), dashes };
  };
  return { of, key: legend(page, Object.values(kTrends).filter(number).map(kind => ({ ...kind, symbols: false,
    name: `${kind.name}${method && ` (${method})`}: ${count(number(kind), 'head')}` }))) };
}

// Of the points of several heads: their mean, and the documents behind the weakest.
const summary = (points: Point[]) => ({ ap_mean: average(points.map(point => point.ap_mean)),
  documents: Math.min(...points.map(point => point.documents)) });

// The mean over the selected heads, which is the page's own: no interval.
function selectedMean(curves: HeadCurve[]): Series {
  const all = curves.flatMap(each => each.points);
  const buckets = [...new Map(all.map(point => [point.q_bucket, point])).values()];
  const means = buckets.sort((a, b) => a.q_bucket - b.q_bucket).map(bucket => ({
    ...pick(bucket, 'position_from', 'position_to'),
    ...summary(all.filter(point => point.q_bucket === bucket.q_bucket)) }));
  return curve('point', means,
    { name: `mean of the ${curves.length} selected heads (no interval)`, style: 4, width: 3 });
}

// The means over heads of each kind of window, the mean of the selected heads, and the pinned ones.
function seriesOf({ state }: Page, means: Mean[], curves: HeadCurve[]): Series[] {
  const kinds = [...new Set(means.map(point => point.heads))];
  const series: Series[] = kinds.map((kind, i) => curve('mean', means.filter(({ heads }) => heads === kind),
    { name: `mean, ${headsText(kind)}`, style: i && i + 1, width: 3 }));
  const selected = curves.filter(({ head }) => state.selection.includes(head.key));
  if (selected.length > 1) series.push(selectedMean(selected));
  return [...series, ...state.pins.flatMap((key, i) => curves.filter(({ head }) => head.key === key)
    .map(({ head, points }) => curve('point', points, { name: headName(head), style: 3 + i })))];
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page, method = methodOf(page);
  const reaches = analysis.distinct('positions', 'reach');
  const reach = reaches.includes(state.reach) ? state.reach : '';
  const chosen = new Set([...state.selection, ...state.pins]);
  const curves = analysis.heads.map(head => ({ head, points: pointsOf(analysis, head.key, method, reach) }))
    .filter(each => each.points.length);
  const isAlone = state.others === 'hide' && chosen.size > 0;
  const shown = curves.filter(({ head }) => !isAlone || chosen.has(head.key));
  const means = meanCurve(analysis, 'position', method).filter(point => point.reach === reach);
  const base = means.filter(point => point.heads === means[0].heads), series = seriesOf(page, means, curves);
  const { of, key } = inks(page, shown);
  const threads = shown.filter(({ head }) => !state.pins.includes(head.key)).map(({ head, points }) => ({
    ...of(head), key: head.key, bold: chosen.has(head.key),
    ...curve('point', points, { name: headName(head), style: 0 }) }));
  threads.sort((a, b) => Number(a.bold) - Number(b.bold));
  const x = positionAxis(analysis, [...base.flatMap(point => [point.from, point.to]),
    ...shown.flatMap(each => ends(each.points))]);
  const domain = roomy([...threads, ...series].flatMap(each => Array.from(each.y)));
  root.append(
    controls(choose(page, 'curves'), methodChoice(page), reachChoice(page, reaches),
      chosen.size ? chooseIf(page, 'others') : null),
    legend(page, series), key,
    curveFigure(page, 'Plasticity over position', series, () => shown.flatMap(({ head, points }) =>
      points.map(point => ({ layer: head.layer, q_head: head.q, method, ...point }))),
    { x, y: { domain } }, undefined, bundle(threads)));
  if (base.length) {
    root.append(documentBars(page, 'mean', 'Documents behind each bucket', x, base, ['from', 'to'],
      ({ from, to }) => ({ from, to: to + 1 })));
  }
  root.append(say('position curves'));
  if (reach === '' && reaches.some(Boolean)) root.append(say('late buckets'));
  const options = [method && `--method ${word(method)}`, state.curves === 'trend' ? '--color_trend'
    : '--color_by_layer'];
  root.append(meanSlopes(page), command(page, 'plasticity', joined(' ', ...options)) ?? '');
}

export const positions: View = { id: 'positions', title: 'Positions', needs: 'positions', render: draw };
